/**
 * Which folder may import what: the arrows of the architecture as a table. The first entry whose `files` match a file
 * holds for it. `scripts/check-imports.mjs` checks it.
 */

/**
 * @typedef {object} Rule
 * @property {string} area name used in messages
 * @property {RegExp} files paths relative to the checkout
 * @property {RegExp[]} folders what inside the checkout it may import, by resolved path
 * @property {RegExp[]} [types] what it may name with `import type` only
 * @property {RegExp[]} packages packages it may import, node: modules included
 * @property {RegExp[]} [never] packages it may not import although `packages` would let it
 * @property {string} allowed the same for people
 */

const any = /^/;
const zod = /^zod(\/|$)/;
const node = /^node:/;
const serverOnly = [/^pg(-|$)/, /^@prisma\//, /^graphile-worker/, /^pino/, /^undici/, /^next\/server$/];

/** @type {Rule[]} */
export const rules = [
  {
    area: "connectors/sdk (outgoing HTTP)",
    files: /^connectors\/sdk\/(http|network|oauth|ties)/,
    folders: [/^connectors\/sdk\//],
    packages: [zod, node, /^undici$/],
    allowed: "connectors/sdk, zod, undici, node: modules",
  },
  {
    area: "connectors/sdk",
    files: /^connectors\/sdk\//,
    folders: [/^connectors\/sdk\//],
    packages: [zod],
    allowed: "connectors/sdk and zod (node: modules and undici only in http*, network*, oauth* and ties*)",
  },
  {
    area: "connectors/testing",
    files: /^connectors\/testing\//,
    folders: [/^connectors\/(testing|sdk)\//],
    packages: [any],
    never: [/^next/, /^react/, /^@prisma\//, /^graphile-worker/],
    allowed: "connectors/sdk, connectors/testing, test packages, drivers, node: modules",
  },
  {
    area: "connectors/registry.ts",
    files: /^connectors\/registry\.ts$/,
    folders: [/^connectors\//],
    packages: [],
    allowed: "connectors",
  },
  {
    area: "a connector",
    files: /^connectors\/([^/]+)\//,
    folders: [/^connectors\/sdk\//, /^connectors\/(?<own>[^/]+)\//],
    packages: [
      zod,
      node,
      /^pg$/,
      /^pg-cursor$/,
      /^csv-parse(\/|$)/,
      /^csv-stringify(\/|$)/,
      /^iconv-lite$/,
      /^chardet$/,
      /^undici$/,
    ],
    allowed:
      "its own folder, connectors/sdk, zod, its drivers (pg, pg-cursor, csv-parse, csv-stringify, iconv-lite, chardet, undici), node: modules",
  },
  {
    area: "engine",
    files: /^engine\//,
    folders: [/^engine\//, /^connectors\/sdk\/(types|errors|json|key-index|under-way)\.ts$/],
    types: [/^connectors\/sdk\//],
    packages: [zod, /^decimal\.js$/, /^luxon$/, /^croner$/, /^yaml$/],
    allowed:
      "engine, types, errors, values (json.ts), keys (key-index.ts) and times (under-way.ts) of connectors/sdk, zod, decimal.js, luxon, croner, yaml; no node: modules, and no connector by name",
  },
  {
    area: "server",
    files: /^server\//,
    folders: [/^package\.json$/, /^server\//, /^engine\//, /^connectors\/registry\.ts$/, /^connectors\/sdk\//],
    packages: [any],
    never: [/^@xyflow\//, /^@base-ui\//, /^lucide-react/],
    allowed: "server, engine, connectors/registry.ts, connectors/sdk, packages",
  },
  {
    area: "worker",
    files: /^worker\//,
    folders: [/^worker\//, /^server\//, /^engine\//, /^connectors\/registry\.ts$/, /^connectors\/sdk\//],
    packages: [any],
    never: [/^next(\/|$)/, /^react/, /^@xyflow\//, /^@base-ui\//],
    allowed: "worker, server, engine, connectors/registry.ts, connectors/sdk, packages",
  },
  {
    area: "components/canvas",
    files: /^components\/canvas\//,
    folders: [/^components\//, /^engine\/(flow|mapping|steps|drift)\//, /^engine\/run\/(states|counts)\.ts$/],
    types: [/^engine\//, /^server\//, /^connectors\/sdk\//],
    packages: [any],
    never: [node, ...serverOnly],
    allowed: "components, the pure parts of engine (flow, mapping, steps), types of server, packages for the screen",
  },
  {
    area: "components/ui",
    files: /^components\/ui\//,
    folders: [/^components\/ui\//],
    packages: [any],
    never: [node, ...serverOnly, /^@xyflow\//, /^@trpc\//],
    allowed: "components/ui and packages for the screen: it has no domain words",
  },
  {
    area: "components",
    files: /^components\//,
    folders: [/^components\//, /^engine\/(flow|mapping|steps|drift)\//, /^engine\/run\/(states|counts)\.ts$/],
    types: [/^engine\//, /^server\//, /^connectors\/sdk\//],
    packages: [any],
    never: [node, ...serverOnly, /^@xyflow\//],
    allowed:
      "components, the pure parts of engine (flow, mapping, steps), types of server, packages for the screen (React Flow only in components/canvas)",
  },
  {
    area: "app",
    files: /^app\//,
    folders: [/^app\//, /^components\//, /^server\//],
    types: [/^engine\//],
    packages: [any],
    never: [
      node,
      ...serverOnly.filter((pattern) => !pattern.test("next/server")),
      /^@xyflow\/(?!react\/dist\/.*\.css)/,
    ],
    allowed: "app, components, server, packages for the screen",
  },
];

/** Tests also reach for the testing helpers and fakes, the connectors, and any package. */
export const testFiles = /\.test\.tsx?$|(^|\/)testing\//;
export const testFolders = [/(^|\/)testing\//, /^connectors\//, /^scripts\//, /^bench\//, /^prisma\//];

/** They end up importing everything, and then everything imports them. */
export const forbiddenFolders = /(^|\/)(lib|utils|common)\//;

/** Checked folders; e2e, bench and scripts stand outside the product and may import what they measure. */
export const checkedFolders = ["app", "components", "connectors", "engine", "server", "worker"];
