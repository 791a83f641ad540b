import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { addressProblem, assertAllowedHost, pinnedLookup } from "./network.ts";

const open = { allowPrivateNetwork: true };
const closed = { allowPrivateNetwork: false };

describe("the private network rule", () => {
  it.each([
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.3.4",
    "100.64.0.9",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
  ])("refuses %s unless private addresses are allowed", async (address) => {
    await expect(assertAllowedHost(address, closed)).rejects.toMatchObject({
      code: "network-not-allowed",
      kind: "settings",
    });
    expect(await assertAllowedHost(address, open)).toEqual([address]);
  });

  it.each(["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "100.100.100.200", "64:ff9b::a9fe:a9fe"])(
    "refuses the metadata address %s always",
    (address) => {
      expect(addressProblem(address, open)).toBe("metadata");
      expect(addressProblem(address, closed)).toBe("metadata");
    },
  );

  it.each(["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])(
    "lets %s pass",
    (address) => {
      expect(addressProblem(address, closed)).toBeUndefined();
    },
  );

  it("judges a name by its addresses, in brackets and with a final dot too", async () => {
    await expect(assertAllowedHost("localhost", closed)).rejects.toThrow(/"localhost" \(/);
    await expect(assertAllowedHost("localhost.", closed)).rejects.toMatchObject({ code: "network-not-allowed" });
    await expect(assertAllowedHost("[::1]", closed)).rejects.toMatchObject({ code: "network-not-allowed" });
  });

  it("looks at every way to write an address in numbers", async () => {
    for (const host of ["2130706433", "127.1", "0x7f.0.0.1"])
      await expect(assertAllowedHost(host, closed)).rejects.toMatchObject({
        code: expect.stringMatching(/^(network-not-allowed|host-not-found)$/),
      });
  });

  it("judges again when the socket connects", async () => {
    const error = await new Promise((done) => {
      connect({ host: "localhost", port: 9, lookup: pinnedLookup(closed) }).on("error", done);
    });
    expect(error).toMatchObject({ code: "network-not-allowed" });
  });
});
