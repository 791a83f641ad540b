import { NotFound } from "../components/frame/not-found.tsx";

export const metadata = { title: "Not found" };

export default function Page() {
  return (
    <main>
      <NotFound />
    </main>
  );
}
