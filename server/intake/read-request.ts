/** The bytes of a request's body, up to a limit. */
import type { IncomingMessage } from "node:http";
import { MAX_BODY_BYTES } from "../api/body.ts";
import { UseCaseError } from "../errors.ts";

/**
 * @throws UseCaseError 413 `body-too-large`
 * @throws Error when the sender goes away before its end
 */
export function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) {
        request.removeAllListeners("data");
        request.removeAllListeners("end");
        request.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => reject(new Error("The sender went away.")));
  });
}

function tooLarge(): UseCaseError {
  return new UseCaseError(`The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MB. Send less at a time.`, {
    status: 413,
    code: "body-too-large",
  });
}
