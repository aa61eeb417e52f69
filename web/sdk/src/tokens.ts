/** The token callback of the app. */
export type GetToken = () => Promise<string> | string;
