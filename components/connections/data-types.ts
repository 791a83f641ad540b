/** Types of what a connection holds, as the screens use them. */

export type { JsonRecord } from "../../connectors/sdk/types.ts";
export type { Field, StreamInfo } from "../../server/trpc/contract.ts";
