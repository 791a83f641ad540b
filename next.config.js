/** @type {import("next").NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // Types are checked by `npm run typecheck`; checking them again here would only make the first start slower.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: ["pg", "pg-cursor", "graphile-worker", "pino", "better-auth", "undici", "iconv-lite"],
  experimental: { optimizePackageImports: ["lucide-react"] },
};
