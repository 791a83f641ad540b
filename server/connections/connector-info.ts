import { z } from "zod";
import { connectorById, connectors } from "../../connectors/registry.ts";
import type { Connector } from "../../connectors/sdk/types.ts";
import { refuseUnstorable } from "../db/storable.ts";
import { type ErrorDetail, Invalid, NotFound } from "../errors.ts";
import type { ConnectorInfo } from "../trpc/contract/connections.ts";
import { limitsSchema, splitLimits } from "./guard/limits.ts";

type JsonSchema = { [name: string]: unknown };

/** The JSON Schema (draft 2020-12) of what a person enters; a property with `secret: true` is write-only. */
export function formSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** Limits are a setting of every connection, whatever its connector. */
function withLimits(settings: JsonSchema): JsonSchema {
  const { $schema: _, ...limits } = formSchema(limitsSchema);
  return { ...settings, properties: { ...(settings.properties as JsonSchema | undefined), limits } };
}

export function connectorInfo({ id, title, summary, mark, settings, credentials }: Connector): ConnectorInfo {
  return { id, title, summary, mark, settings: withLimits(formSchema(settings)), credentials: formSchema(credentials) };
}

/** All connectors, as the “new connection” screen and GET /connectors show them. */
export const listConnectors = (): ConnectorInfo[] => connectors.map(connectorInfo);

/** @throws NotFound */
export function getConnector(id: string): Connector {
  const connector = connectorById(id);
  if (!connector) throw new NotFound("connector", id);
  return connector;
}

/** Is this property of the credentials a secret? All of them are, unless the schema marks some and not this one. */
function secretNames({ credentials }: Connector): { only: Set<string> | undefined } {
  const properties = (formSchema(credentials).properties ?? {}) as { [name: string]: JsonSchema };
  const marked = Object.keys(properties).filter((name) => properties[name]?.secret === true);
  return { only: marked.length > 0 ? new Set(marked) : undefined };
}

/** The part of the credentials that must never be shown; a user's name in a message may be. */
export function secretPart(connector: Connector, credentials: unknown): unknown {
  const { only } = secretNames(connector);
  if (!only || typeof credentials !== "object" || credentials === null) return credentials;
  return Object.fromEntries(Object.entries(credentials).filter(([name]) => only.has(name)));
}

/**
 * Settings and credentials as the connector's own schemas read them, defaults filled in.
 *
 * @throws Invalid with details below "settings." and "credentials."; values are not quoted, they may be secret
 */
export function validate(connector: Connector, entered: { settings: unknown; credentials: unknown }) {
  refuseUnstorable(entered, `The ${connector.title} connection`);
  const details: ErrorDetail[] = [];
  const read = (schema: z.ZodType, value: unknown, place: string) => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues) details.push({ path: [place, ...path].join("."), message });
    return undefined;
  };
  const { own, limits: enteredLimits } = splitLimits(entered.settings ?? {});
  const ownSettings = read(connector.settings, own, "settings");
  const limits = read(limitsSchema, enteredLimits, "settings.limits");
  const credentials = read(connector.credentials, entered.credentials ?? {}, "credentials");
  const settings = limits === undefined ? ownSettings : { ...(ownSettings as object), limits };
  const first = details[0];
  if (first)
    throw new Invalid(
      `The ${connector.title} connection cannot be stored: “${first.path}”: ${first.message}.`,
      details,
    );
  return { settings, credentials };
}
