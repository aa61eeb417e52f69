/** A server of uploads as protocol.md, "Uploading", has it, behind a network that breaks off: a transport without sockets. */

import type { HttpAnswer, HttpRequest, Transport } from "../src/media.js";

interface Stored {
  readonly id: string;
  readonly length: number;
  readonly metadata: Readonly<Record<string, string>>;
  bytes: Uint8Array;
}

/** What becomes of a request: `cut` takes this many bytes of its body and gives no answer. */
export type Fault = { readonly cut: number } | { readonly status: number; readonly body?: object } | undefined;

export class TusServer {
  readonly files = new Map<string, Stored>();
  readonly asked: string[] = [];
  token = "good";
  /** Asked for each request; undefined lets it pass. */
  fault: (request: HttpRequest) => Fault = () => undefined;
  /** Answers that say `inspecting` before the file is ready. */
  inspections = 0;

  readonly transport: Transport = async (request) => {
    await Promise.resolve();
    request.signal.throwIfAborted();
    this.asked.push(request.method);
    const fault = this.fault(request);
    if (fault && "status" in fault) return answer(fault.status, {}, fault.body);
    if (request.headers.Authorization !== `Bearer ${this.token}`) return answer(401, {}, { code: "token_invalid" });
    if (request.method === "POST") {
      const made = this.begin(request);
      if (fault) throw new Error("no answer");
      return made;
    }
    const stored = this.files.get(request.url.split("/").pop()!);
    if (!stored) return answer(404, {}, request.method === "HEAD" ? undefined : { code: "not_found" });
    if (request.method === "PATCH") {
      if (Number(request.headers["Upload-Offset"]) !== stored.bytes.length) return answer(409, {}, { code: "conflict" });
      const body = new Uint8Array(await request.body!.arrayBuffer()).subarray(0, fault?.cut);
      stored.bytes = Uint8Array.from([...stored.bytes, ...body]);
      request.onSent?.(body.length);
      if (fault) throw new Error("no answer");
    }
    return answer(request.method === "HEAD" ? 200 : 204, this.standing(stored));
  };

  private begin({ headers }: HttpRequest): HttpAnswer {
    const words = headers["Upload-Metadata"]!.split(",").map((pair) => pair.split(" "));
    const metadata = Object.fromEntries(words.map(([word, value = ""]) => [word, Buffer.from(value, "base64").toString()]));
    const known = [...this.files.values()].find((one) => one.metadata.key === metadata.key);
    const stored = known ?? { id: `F${this.files.size}`.padEnd(22, "x"), length: Number(headers["Upload-Length"]), metadata, bytes: new Uint8Array() };
    this.files.set(stored.id, stored);
    return answer(201, { Location: `/v1/files/${stored.id}`, ...this.standing(stored) });
  }

  private standing(stored: Stored): Record<string, string> {
    const headers = { "Upload-Offset": `${stored.bytes.length}`, "Upload-Length": `${stored.length}` };
    if (stored.bytes.length < stored.length) return headers;
    this.inspections -= 1;
    return { ...headers, "Chatd-File": this.inspections >= 0 ? "inspecting" : "ready" };
  }
}

function answer(status: number, headers: Readonly<Record<string, string>>, body?: object): HttpAnswer {
  return { status, header: (name) => headers[name] ?? "", body };
}
