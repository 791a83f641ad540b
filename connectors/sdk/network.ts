/**
 * Which hosts a connection may go to (DESIGN §9). Names are resolved first and judged by their addresses; `pinnedLookup`
 * judges again at the moment of connecting, so that a name which changes its address in between cannot pass.
 */
import { lookup as dnsLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { IntegrationError } from "./errors.ts";

export type NetworkRule = {
  /** may go to loopback, private and link-local addresses; cloud metadata addresses are refused in any case */
  allowPrivateNetwork: boolean;
};

const metadata = new BlockList();
for (const address of ["169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"])
  metadata.addAddress(address, "ipv4");
for (const address of ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"]) metadata.addAddress(address, "ipv6");

/** Addresses that are not on the public internet. Source: IANA special-purpose address registries (RFC 6890). */
const notPublic = new BlockList();
const v4: [string, number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
const v6: [string, number][] = [
  ["::", 128],
  ["::1", 128],
  ["100::", 64],
  ["2001:db8::", 32],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
];
for (const [net, prefix] of v4) notPublic.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of v6) notPublic.addSubnet(net, prefix, "ipv6");

/** The eight groups of an IPv6 address, so that IPv4 addresses hidden in one are judged as what they reach. */
function ipv6Groups(address: string): number[] {
  const plain = address.split("%")[0]!;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : plain;
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(gap).fill("0"), ...right].map((group) => Number.parseInt(group, 16));
}

/** The IPv4 address inside a mapped, compatible, NAT64 or 6to4 IPv6 address; undefined for any other. */
function hiddenIpv4(address: string): string | undefined {
  const g = ipv6Groups(address);
  const dotted = (high: number, low: number) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  const leading = g.slice(0, 5).every((group) => group === 0);
  if (leading && (g[5] === 0xffff || (g[5] === 0 && (g[6] !== 0 || g[7]! > 1)))) return dotted(g[6]!, g[7]!);
  if (g[0] === 0x64 && g[1] === 0xff9b) return dotted(g[6]!, g[7]!);
  if (g[0] === 0x2002) return dotted(g[1]!, g[2]!);
  return undefined;
}

/** Why this address may not be reached; undefined when it may. */
export function addressProblem(address: string, rule: NetworkRule): "metadata" | "private" | undefined {
  const family = isIP(address.split("%")[0]!);
  const hidden = family === 6 ? hiddenIpv4(address) : undefined;
  if (hidden !== undefined) return addressProblem(hidden, rule);
  const plain = address.split("%")[0]!;
  const type = family === 6 ? "ipv6" : "ipv4";
  if (metadata.check(plain, type)) return "metadata";
  if (!rule.allowPrivateNetwork && notPublic.check(plain, type)) return "private";
  return undefined;
}

function refusal(host: string, address: string, problem: "metadata" | "private"): IntegrationError {
  const at = host === address ? `"${host}"` : `"${host}" (${address})`;
  const message =
    problem === "metadata"
      ? `Connections never go to cloud metadata addresses, and ${at} is one. Enter the address of the system itself.`
      : `Connections may only go to public addresses here, and ${at} is a loopback or private one. Enter a public host, or start the server with PLUMBLINE_ALLOW_PRIVATE_NETWORK=true.`;
  return new IntegrationError(message, { kind: "settings", code: "network-not-allowed" });
}

/** Host names arrive from URLs too: brackets around an IPv6 address and the final dot of a name are not part of it. */
const bare = (host: string) => host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");

function resolve(host: string): Promise<string[]> {
  return new Promise((done, fail) =>
    dnsLookup(host, { all: true }, (error, found) => (error ? fail(error) : done(found.map((one) => one.address)))),
  );
}

/**
 * Throws when any address of `host` (a name or an address) may not be reached.
 *
 * @returns the addresses found
 * @throws IntegrationError "network-not-allowed" (settings); "host-not-found" (settings) for an unknown name;
 *   "dns-unavailable" (transient) when names cannot be resolved just now
 */
export async function assertAllowedHost(host: string, rule: NetworkRule): Promise<string[]> {
  const name = bare(host);
  const addresses = isIP(name) ? [name] : await resolve(name).catch((error) => Promise.reject(dnsFailure(name, error)));
  for (const address of addresses) {
    const problem = addressProblem(address, rule);
    if (problem) throw refusal(name, address, problem);
  }
  return addresses;
}

/** The failure for a name that does not resolve. */
export function dnsFailure(host: string, cause: unknown): IntegrationError {
  if ((cause as { code?: string }).code === "ENOTFOUND")
    return new IntegrationError(
      `No host is named "${host}". Check the spelling, or whether this machine can resolve it.`,
      {
        kind: "settings",
        code: "host-not-found",
        cause,
      },
    );
  return new IntegrationError(`The name "${host}" could not be resolved just now (name service not answering).`, {
    kind: "transient",
    code: "dns-unavailable",
    cause,
  });
}

/**
 * A `lookup` for `net.connect`, `tls.connect` or undici's `connect` options that connects only to allowed addresses; its
 * error is the IntegrationError of `assertAllowedHost`. Node skips `lookup` when the host is already an address, so
 * call `assertAllowedHost` first.
 */
export function pinnedLookup(rule: NetworkRule): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(dnsFailure(hostname, error) as NodeJS.ErrnoException, "", 0);
      for (const { address } of found) {
        const problem = addressProblem(address, rule);
        if (problem) return callback(refusal(hostname, address, problem) as unknown as NodeJS.ErrnoException, "", 0);
      }
      if (options.all) return callback(null, found);
      const first = found[0]!;
      return callback(null, first.address, first.family);
    });
  };
}
