import { describe, expect, it } from "vitest";
import { decrypt, encrypt, keyIdOf } from "./encrypt.ts";
import { parseKeys } from "./keys.ts";
import { redact, secretTexts } from "./redact.ts";

const old = "an old secret of some length";
const fresh = "a newer secret of some length";
const place = { workspaceId: "ws_1", connectionId: "con_1" };

describe("credentials at rest", () => {
  it("come back as they went in, and are never twice the same", () => {
    const keys = parseKeys(old);
    const one = encrypt('{"password":"größe"}', place, keys);
    expect(decrypt(one, place, keys)).toBe('{"password":"größe"}');
    expect(Buffer.from(one).includes("größe")).toBe(false);
    expect(Buffer.from(encrypt('{"password":"größe"}', place, keys))).not.toEqual(Buffer.from(one));
  });

  it("do not decrypt in another row, nor after a bit was flipped", () => {
    const keys = parseKeys(old);
    const stored = encrypt("secret", place, keys);
    expect(() => decrypt(stored, { ...place, connectionId: "con_2" }, keys)).toThrow(/another connection/);
    for (const at of [0, 6, 20, stored.length - 1]) {
      const altered = Uint8Array.from(stored);
      altered[at]! ^= 1;
      expect(() => decrypt(altered, place, keys)).toThrow(/damaged/);
    }
  });

  it("made with an old key still decrypt after a new one was put in front", () => {
    const stored = encrypt("secret", place, parseKeys(old));
    const both = parseKeys(`${fresh}, ${old}`);
    expect(decrypt(stored, place, both)).toBe("secret");
    expect(keyIdOf(encrypt("secret", place, both))).toBe(parseKeys(fresh).current.id);
  });

  it("made with a key that is not here say which is missing and what to do", () => {
    const stored = encrypt("secret", place, parseKeys(old));
    expect(() => decrypt(stored, place, parseKeys(fresh))).toThrow(
      new RegExp(`${parseKeys(old).current.id}.*PLUMBLINE_SECRET_KEY.*Connections`),
    );
  });

  it("need a key that is long enough", () => {
    for (const text of [undefined, "", "short", `${fresh},`]) expect(() => parseKeys(text)).toThrow(/at least 16/);
  });
});

it("redacts secrets from a message, also as they look in a URL", () => {
  const secrets = secretTexts({ user: "ana", password: "p@ss word", auth: { token: "tok-123" } });
  expect(redact("postgres://ana:p%40ss%20word@host refused p@ss word, tok-123", secrets)).toBe(
    "postgres://ana:•••@host refused •••, •••",
  );
});
