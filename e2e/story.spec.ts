/** The main job as a new user lives it, in a browser, from an empty data folder; the databases are asked at each stage. */
import { test } from "@playwright/test";
import { drawFlow, firstVisit, mapFields } from "./story/build.ts";
import { visitPages } from "./story/pages.ts";
import { mendFailed } from "./story/repair.ts";
import { publishAndRun, tryIt } from "./story/run.ts";
import { beginStory, type Story } from "./story/story.ts";
import { runOnSchedule, undoRuns } from "./story/undo.ts";

test.describe.configure({ mode: "serial" });

let story: Story;
test.beforeAll(async ({ browser }) => {
  test.setTimeout(400_000);
  story = await beginStory(browser);
});
test.afterAll(async () => {
  await story?.page.context().close();
  await story?.product.stop();
});

test("the first visit creates the first account and finds a sample company", () => firstVisit(story));
test("a flow is drawn: brief, steps, links", () => drawFlow(story));
test("fields are mapped with lines, functions and formulas, and problems are named where they are", () =>
  mapFields(story));
test("a dry run shows field by field what would be, and writes nothing", () => tryIt(story));
test("it is published and run, counts move, and the balance closes", () => publishAndRun(story));
test("failed records say why; one is corrected, groups are changed, and they are replayed", () => mendFailed(story));
test("runs are undone, and what somebody changed since stays", () => undoRuns(story));
test("the next run comes by its schedule and writes only what changed", () => runOnSchedule(story));
test("all pages are accessible and fit a phone", () => visitPages(story));
