import { expect, it } from "vitest";
import type { JsonRecord } from "../../connectors/sdk/types.ts";
import { eventIdOf, eventsOf } from "./event-id.ts";
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

it("a list whose records have ids of their own is as many events", () => {
  const hook = { eventId: "no", scheme: "none" } as const;
  const list: JsonRecord[] = [{ no: 1, line: "a" }, { no: 2 }, { no: 1, line: "b" }, { other: 3 }];
  const taken = eventsOf(hook, { "webhook-id": "msg" }, list, false);
  expect(taken.map(({ eventId, body }) => [eventId, JSON.parse(body ?? "")])).toEqual([
    ["1", [list[0], list[2]]],
    ["2", [list[1]]],
    ["msg", [list[3]]],
  ]);
  expect(eventsOf(hook, {}, [{ no: 1 }, { no: 1 }], false)).toEqual([{ eventId: "1" }]);
  expect(eventsOf({ scheme: "none" }, { "webhook-id": "msg" }, list, false)).toEqual([{ eventId: "msg" }]);
  // who waits gets one answer: another list is another event
  const whole = (numbers: number[]) =>
    eventsOf(
      hook,
      {},
      numbers.map((no) => ({ no })),
      true,
    );
  expect(whole([1, 2])).toEqual(whole([1, 2]));
  expect(whole([1, 3])).not.toEqual(whole([1, 2]));
  expect(whole([1, 2])).toHaveLength(1);
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
