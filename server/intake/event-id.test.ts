import { expect, it } from "vitest";
import { eventIdOf } from "./event-id.ts";
import { storedHeaders } from "./stored-headers.ts";

it("an event is known by the flow's own header or field, else by webhook-id, else by its sender's number", () => {
  const body = { id: "evt_1", order: { number: 17 } };
  const headers = { "webhook-id": "msg_1", "x-number": "n1", "x-github-delivery": "gh" };
  expect(eventIdOf({ eventId: "order.number", scheme: "none" }, headers, body)).toBe("17");
  expect(eventIdOf({ eventId: "X-Number", scheme: "none" }, headers, body)).toBe("n1");
  expect(eventIdOf({ eventId: "order.gone", scheme: "none" }, headers, body)).toBe("msg_1");
  expect(eventIdOf({ scheme: "github" }, { "x-github-delivery": "gh" }, body)).toBe("gh");
  expect(eventIdOf({ scheme: "stripe" }, {}, body)).toBe("evt_1");
  // neither is signed: a captured event must not become new by a header
  expect(eventIdOf({ scheme: "stripe" }, headers, body)).toBe("evt_1");
  expect(eventIdOf({ eventId: "id", scheme: "github" }, { id: "other" }, body)).toBe("evt_1");
  expect(eventIdOf({ scheme: "none" }, {}, body)).not.toBe(eventIdOf({ scheme: "none" }, {}, body));
  expect(eventIdOf({ scheme: "none" }, { "webhook-id": "x".repeat(5_000) }, body)).toMatch(/^sha256:[0-9a-f]{64}$/);
});

it("headers are kept without what proves identity", () => {
  const kept = JSON.parse(
    storedHeaders({
      authorization: "Bearer x",
      cookie: "a=b",
      "x-api-key": "k",
      "webhook-signature": "v1,x",
      "user-agent": "curl",
      "x-auth": "a",
      "x-functions-key": "k",
      "x-access-key-id": "k",
      "x-credentials": "c",
      "x-author": "Ana",
      "x-keyboard": "de",
    }),
  );
  expect(kept).toEqual({
    authorization: "•••",
    cookie: "•••",
    "x-api-key": "•••",
    "webhook-signature": "•••",
    "user-agent": "curl",
    "x-auth": "•••",
    "x-functions-key": "•••",
    "x-access-key-id": "•••",
    "x-credentials": "•••",
    "x-author": "Ana",
    "x-keyboard": "de",
  });
});
