/** Bodies of answers: read within a limit, unpacked, as JSON, checked against what was expected. */
import { pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Dispatcher } from "undici";
import type { z } from "zod";
import { type FailureInfo, IntegrationError, quote } from "./errors.ts";
import type { Answered, Asked } from "./http-errors.ts";
import { parseJson } from "./json.ts";
import type { Json } from "./types.ts";

export async function readText(
  asked: Asked,
  body: Dispatcher.BodyMixin & NodeJS.ReadableStream,
  encoding: string | undefined,
  maxBytes: number,
): Promise<string> {
  const unzip =
    encoding === "gzip"
      ? createGunzip()
      : encoding === "br"
        ? createBrotliDecompress()
        : encoding === "deflate"
          ? createInflate()
          : undefined;
  const source = unzip ? pipeline(body, unzip, () => {}) : body;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += (chunk as Buffer).length;
    if (size > maxBytes)
      throw new IntegrationError(
        `${asked.name} answered ${asked.method} ${asked.path} with more than ${Math.round(maxBytes / 1024 / 1024)} MB. Ask for smaller pages.`,
        {
          kind: "settings",
          code: "answer-too-large",
        },
      );
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/^\uFEFF/, "");
}

/** The body as JSON where it is JSON, as text otherwise; null when empty. */
export function asJson(text: string): Json {
  if (text.trim() === "") return null;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

export function bodyOf<T>(asked: Asked, answer: Answered, schema: z.ZodType<T> | undefined): T {
  const notJson = typeof answer.body === "string" && !/^\s*"/.test(answer.text);
  // A page of HTML is never the answer of an interface, and often a sign-in page: what was sent did not arrive where it should.
  if (notJson && (asked.method === "GET" || schema || /html/i.test(answer.headers["content-type"] ?? ""))) {
    const kind = answer.headers["content-type"] ?? "no content type";
    // A cut or broken JSON may come whole the next time; a page of HTML means the wrong address.
    const broken = /json/.test(kind);
    const found = `${asked.name} answered ${asked.method} ${asked.path} with ${kind}, not with ${broken ? "valid " : ""}JSON; it begins ${quote(answer.text.slice(0, 80))}`;
    const ofRecord: FailureInfo = {
      kind: "rejected",
      code: "answer-not-json",
      message: `${found}. It answered others as expected. Look the record up there: dismiss this if it arrived, replay it if it did not.`,
    };
    throw new IntegrationError(`${found}.${broken ? "" : " Check the base URL and the path."}`, {
      kind: broken ? "transient" : "settings",
      code: "answer-not-json",
      ofRecord,
    });
  }
  if (!schema) return answer.body as T;
  const checked = schema.safeParse(answer.body);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0]!;
  throw new IntegrationError(
    `${asked.name} answered ${asked.method} ${asked.path} in another shape than expected, at "${issue.path.join(".")}": ${issue.message}.`,
    {
      kind: "settings",
      code: "unexpected-answer",
    },
  );
}
