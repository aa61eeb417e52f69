/** The limits of the server, as the hello reply names them; pure. */

/** The server's limits (protocol.md, "Size limits" and "Thresholds"); the hello reply names those that differ. */
export const LIMITS = {
  frame_bytes: 65536, body_bytes: 16384, batch: 64, in_flight: 32, focus: 8, watch: 200, page: 200, request_texts: 3,
};

export type Limits = Readonly<typeof LIMITS>;

/** Largest frame before hello was answered (protocol.md, "Size limits"). */
export const HELLO_FRAME_BYTES = 8192;
