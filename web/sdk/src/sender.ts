/** The proof that the server stored a mutation durably. `seq` and `ordinal` are 0 where nothing was logged or counted. */
export interface Receipt {
  readonly room: string;
  readonly key: string;
  readonly seq: number;
  readonly ordinal: number;
  /** Unix milliseconds, clock of the server. */
  readonly time: number;
  /** Whether the server had it already. */
  readonly duplicate: boolean;
}
