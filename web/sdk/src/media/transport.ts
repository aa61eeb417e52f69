/** One HTTP request with a body that may be large, as uploads need it. */

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Blob;
  /** Called with the bytes of the body that were handed to the network, where the platform tells. */
  readonly onSent?: (bytes: number) => void;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Return a header of the answer; empty if there is none, or the page may not read it. */
  header(name: string): string;
  /** The body as JSON; undefined if it is none. */
  readonly body: unknown;
}

/** Makes a request; rejects without an answer, and when it is aborted. */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;

/** Return the transport of the platform: browsers and React Native have an XMLHttpRequest, which alone tells how much of a
 * body was sent; Node has `fetch`. */
export const systemTransport = (): Transport => (typeof XMLHttpRequest === "function" ? overXhr : overFetch);

const overXhr: Transport = ({ method, url, headers, body, onSent, signal }) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = (): void => xhr.abort();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    if (onSent) xhr.upload.onprogress = ({ loaded }) => onSent(loaded);
    xhr.onload = () => {
      resolve({ status: xhr.status, header: (name) => xhr.getResponseHeader(name) ?? "", body: json(xhr.responseText) });
    };
    xhr.onerror = () => reject(new Error("no answer"));
    xhr.onabort = () => reject(reasonOf(signal));
    xhr.onloadend = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    if (signal.aborted) reject(reasonOf(signal));
    else xhr.send(body ?? null);
  });

const overFetch: Transport = async ({ method, url, headers, body, onSent, signal }) => {
  const response = await fetch(url, { method, headers, signal, ...(body && { body }) });
  if (body) onSent?.(body.size);
  const text = await response.text();
  return { status: response.status, header: (name) => response.headers.get(name) ?? "", body: json(text) };
};

/** Why a signal was aborted; React Native has no reasons. */
export const reasonOf = (signal: AbortSignal): unknown => signal.reason ?? new Error("aborted");

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
