/**
 * Preloaded into web and worker (`node --import`): when the supervisor is gone without having stopped us (`kill -9`),
 * nobody else will. We stop as for SIGTERM, and leave after ten seconds whatever happens.
 */
import { isMainThread } from "node:worker_threads";

const supervisor = Number(process.env.PLUMBLINE_SUPERVISOR_PID);
if (isMainThread && supervisor) {
  delete process.env.PLUMBLINE_SUPERVISOR_PID; // processes we start ourselves have us as their parent
  const timer = setInterval(() => {
    if (process.ppid === supervisor) return;
    clearInterval(timer);
    setTimeout(() => process.exit(1), 10_000).unref();
    process.kill(process.pid, "SIGTERM");
  }, 500);
  timer.unref();
}
