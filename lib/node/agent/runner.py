"""The runner: carries out the requests of its agent as the cluster's user.

It exits when its stdin ends. Then it first ends the step that it runs.
"""

import os

from caller import Caller, Reports
from checks import run_checks
from log_reports import report_logs
from site_variables import SiteVariables
from step_runner import StepRunner, reserve_descriptor
from workdir_search import report_workdirs


class Runner:
    """Carries out requests, one after another, as the user that it runs as."""

    def __init__(self, nonce):
        reserve_descriptor()
        self.nonce, self.reports, self.caller = nonce, Reports(), Caller()

    def main(self):
        os.umask(0o077)
        while True:
            request = self.caller.next()
            self.reports.send("started")
            self.carry_out(request)
            self.reports.send("over")

    def carry_out(self, request):
        site = SiteVariables(request["env"], request.get("site", {}))
        actions = {
            "steps": lambda: StepRunner(self, site, request.get("teardown")).run(request["steps"]),
            "logs": lambda: report_logs(self, site.environment, request),
            "find": lambda: report_workdirs(self.reports, site.environment, request),
            "checks": lambda: run_checks(self, site, request),
        }
        actions[request["do"]]()
