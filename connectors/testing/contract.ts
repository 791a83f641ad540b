/**
 * The contract every connector keeps, as a vitest suite. A connector's test is one call:
 * `describeConnector(orchardCrm, fixture)`, where the fixture brings the real system or a faithful fake.
 */
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IntegrationError } from "../sdk/errors.ts";
import type { Connector } from "../sdk/types.ts";
import { describeFinding } from "./finding.ts";
import { type ContractFixture, type ContractSystem, contractRecords } from "./fixture.ts";
import { describeReading } from "./reading.ts";
import { calm, errorOf, openSession } from "./sessions.ts";
import { describeUndo } from "./undoing.ts";
import { describeWatching } from "./watching.ts";
import { describeWriting } from "./writing.ts";

export type { ContractFixture, ContractRecord, ContractSystem } from "./fixture.ts";

/** Makes the whole contract suite for one connector. */
export function describeConnector<S, C>(connector: Connector<S, C>, fixture: ContractFixture): void {
  describe(`contract of ${connector.id}`, () => {
    let system: ContractSystem;
    beforeAll(async () => {
      system = await fixture.start();
    });
    afterAll(() => system?.stop());
    const context = { connector, can: fixture.can, system: () => system };
    describeConnection(context);
    describeReading(context);
    describeFinding(context);
    describeWatching(context);
    describeWriting(context);
    describeUndo(context);
  });
}

/** What the parts of the suite get; `system` is there once the first test runs. */
export type ContractContext<S, C> = {
  connector: Connector<S, C>;
  can: ContractFixture["can"];
  system: () => ContractSystem;
};

function describeConnection<S, C>({ connector, can, system }: ContractContext<S, C>): void {
  const knock = async (change: Parameters<typeof openSession>[2]) => {
    const session = await openSession(connector, system(), change);
    try {
      return await session.check(calm());
    } finally {
      await session.close();
    }
  };
  const keepsSecrets = (thing: unknown) => {
    const text = inspect(thing, { depth: 12 }) + JSON.stringify(thing);
    for (const secret of system().secrets) expect(text).not.toContain(secret);
  };

  describe("connection", () => {
    it("is let in with good credentials", async () => {
      await expect(knock({})).resolves.toBeTruthy();
    });

    it.runIf(can.credentials)("says that bad credentials are refused", async () => {
      const error = await errorOf(knock({ credentials: system().badCredentials }));
      expect(error).toBeInstanceOf(IntegrationError);
      expect(error).toMatchObject({ kind: "credentials" });
      expect(error.message).toContain("Contract test");
      keepsSecrets(error);
    });

    it("says what to do when nobody answers", async () => {
      const error = await errorOf(knock({ settings: system().unreachable }));
      expect(error).toBeInstanceOf(IntegrationError);
      expect((error as IntegrationError).kind).toMatch(/^(transient|settings)$/);
      expect(error.message).toContain("Contract test");
      keepsSecrets(error);
    });

    it.runIf(can.network)("does not go to a private network unless allowed", async () => {
      const error = await errorOf(knock({ allowPrivateNetwork: false }));
      expect(error).toMatchObject({ code: "network-not-allowed", kind: "settings" });
    });

    it("keeps secrets out of the printed session, streams and sinks", async () => {
      const session = await openSession(connector, system());
      try {
        await system().place(contractRecords(1));
        await session.check(calm());
        keepsSecrets(session);
        keepsSecrets(await session.streams(calm()));
        keepsSecrets(await session.sinks(calm()));
      } finally {
        await session.close();
      }
    });

    it("marks every secret, and titles every setting", async () => {
      const json =
        connector.credentials && (await import("zod")).z.toJSONSchema(connector.credentials, { io: "input" });
      const secrets = Object.values((json?.properties ?? {}) as Record<string, { secret?: boolean; title?: string }>);
      if (system().secrets.length > 0) expect(secrets.some((field) => field.secret === true)).toBe(true);
      for (const field of secrets) expect(field.title).toBeTruthy();
      const settings = (await import("zod")).z.toJSONSchema(connector.settings, {
        io: "input",
        unrepresentable: "any",
      });
      for (const field of Object.values((settings.properties ?? {}) as Record<string, { title?: string }>))
        expect(field.title).toBeTruthy();
    });

    it("can be closed twice", async () => {
      const session = await openSession(connector, system());
      await session.close();
      await session.close();
    });
  });
}
