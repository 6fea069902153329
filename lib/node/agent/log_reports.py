"""Reports the logs of a cluster's steps on this node."""

from caller import Gone
from logs import LogReader
from place import Place, owner_of

REPORT_MAX = 24 << 10  # bytes of text in one report
FOLLOW_S = 0.2  # seconds between two reads of logs that grow


def report_logs(runner, environment, request):
    """Report the logs of steps; with `follow`, until the caller ends the request."""
    place, jobid = Place(environment), request["jobid"]
    readers = [LogReader(place, step) for step in request["steps"]]
    found, is_last = False, not request["follow"]
    while True:
        if place.is_real() and owner_of(place.workdir)[:1] == [jobid]:
            found = True
            for reader in readers:
                send_log(runner.reports, reader, request["bytes"], is_last)
        if is_last:
            break
        try:
            runner.caller.wait(FOLLOW_S)
        except Gone:
            is_last = True
    runner.reports.send("logs", found=found)


def send_log(reports, reader, limit, at_end):
    text, is_cut = reader.read(limit, at_end)
    if is_cut:
        reports.send("cut", step=reader.step)
    while text:
        part, text = text[:REPORT_MAX], text[REPORT_MAX:]
        if text and b"\n" in part:
            whole, _, half = part.rpartition(b"\n")
            part, text = whole + b"\n", half + text
        reports.send("log", step=reader.step, text=part.decode("utf-8", "replace"))
