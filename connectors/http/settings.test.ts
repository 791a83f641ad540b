import { expect, it } from "vitest";
import { httpSettings } from "./settings.ts";

it("a base URL with a password in it is refused, and the password is not repeated", () => {
  const refused = httpSettings.safeParse({ baseUrl: "https://ana:s3cret-pass@api.example.com/v2" });
  expect(refused.success).toBe(false);
  expect(refused.error?.message).toContain("under the credentials");
  expect(JSON.stringify(refused.error)).not.toContain("s3cret-pass");
  expect(httpSettings.safeParse({ baseUrl: "https://api.example.com/v2" }).success).toBe(true);
});
