import { notFound } from "next/navigation";

export const metadata = { title: "Not found" };

/** Any address no page has: said within the frame, so that the way on is at hand. */
export default function Page() {
  notFound();
}
