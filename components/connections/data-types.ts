/** Types of what a connection holds, as the screens use them. */

export type { Field, JsonRecord, StreamInfo } from "../../connectors/sdk/types.ts";
