/** flux-job(1): the implemented subcommands. */
import { dispatch } from "../dispatch.js";
import { attach, status } from "./job-attach.js";
import { eventlog, info, waitEvent } from "./job-eventlog.js";
import { kill, memo, raise } from "./job-post.js";

export const job = dispatch("job", {
  attach,
  eventlog,
  info,
  kill,
  memo,
  raise,
  status,
  "wait-event": waitEvent,
});
