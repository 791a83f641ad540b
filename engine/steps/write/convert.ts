import type { Field, Json } from "../../../connectors/sdk/types.ts";

export type Conversion = { ok: true; value: Json } | { ok: false; code: string; message: string };

// a stand-in until engine/mapping exports convertValue
export function converterFor(_field: Field): (value: Json) => Conversion {
  return (value) => ({ ok: true, value });
}
