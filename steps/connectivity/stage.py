"""Stage 5, Connectivity: the doors are opened last, behind their protection, and only on layers that hold now."""

from __future__ import annotations

from runbook.engine.procedure import Action, Attestation, Check, Repeat, Stage
from steps.application.criteria import decrypts
from steps.connectivity import credentials, doors, live, names, origin, records, visitors, waf, zone
from steps.handing_over import doors_stay_open
from steps.here import Here
from steps.holding import everything_holds
from steps.patience import LIMIT_S

CONNECTIVITY: Stage[Here] = Stage(
    number=5,
    id="connectivity",
    title="Connectivity",
    clause="3.5",
    touches="the firewall rules first, then the public names: the platform goes back on the Internet",
    heartbeat=visitors.public_probe,
    at_opening=(decrypts,),
    steps=(
        Check(
            id="connectivity.still-holds",
            title="Everything below still holds, now",
            why="No half-restored clinical system goes on the Internet.",
            manual="repeat the last check of each stage",
            look=everything_holds,
            attestable=False,
            timeout=LIMIT_S,
        ),
        Check(
            id="connectivity.zone",
            title="The zone is active, not paused, and delegated to the edge",
            why="A paused zone answers without firewall and certificate; one that is delegated elsewhere not at all.",
            manual="Cloudflare dashboard → Overview; dig NS ZONE @1.1.1.1",
            look=zone.zone_is_ready,
            timeout=LIMIT_S,
        ),
        Action(
            id="connectivity.waf",
            title="The firewall is on before the doors open",
            aim="every managed ruleset on for every request, and the forbidden path blocked",
            why="A restored platform is most interesting to attackers in its first hour.",
            manual="Cloudflare dashboard → Security → WAF → Managed rules; Custom rules: block the canary path",
            find=waf.waf_already_on,
            preview=waf.show_waf,
            perform=waf.put_waf_right,
            repeat=Repeat.ONCE,
        ),
        Check(
            id="connectivity.settings",
            title="The zone's security level and development mode are as agreed",
            why="A level that was lowered to hunt a bug lets through what it used to stop.",
            manual="Cloudflare dashboard → Security → Settings; Caching → Configuration → Development mode",
            look=zone.settings_are_right,
            timeout=LIMIT_S,
        ),
        Attestation(
            id="connectivity.credentials",
            title="What others may know of us is worth nothing any more",
            why="After a compromise a restored platform opens to whoever still holds its keys.",
            manual="go through the list of credentials; rotate each that is older than the incident",
            statement=credentials.STATEMENT,
            asks=credentials.EXCEPTED,
            spared=credentials.spared,
            judge=credentials.judged,
        ),
        Action(
            id="connectivity.records",
            title="Route the public names to the restored application",
            aim=records.ROUTED,
            why="This is the moment at which patients and staff can come back.",
            manual="Cloudflare dashboard → DNS → Records: proxied",
            find=records.records_already_right,
            preview=records.show_records,
            perform=records.set_records,
            repeat=Repeat.ONCE,
            undo=doors.close_door,
            keeps=doors_stay_open,
            retreat="Close the doors again: every public name gets back the record it had",
        ),
        Check(
            id="connectivity.dns",
            title="The names lead to the edge, everywhere",
            why="A name that leads past the edge leads past the firewall.",
            manual="dig NAME @AUTHORITATIVE; dig NAME @1.1.1.1",
            look=names.names_lead_to_the_edge,
            timeout=names.LIMIT_S + LIMIT_S,
        ),
        Check(
            id="connectivity.https",
            title="A visitor gets our page, over a valid certificate",
            why="It is what everybody else will see.",
            manual="curl -sI https://NAME/ | grep -i -e cf-ray -e ^HTTP",
            look=visitors.public_pages_are_ours,
            after=("connectivity.dns",),
            timeout=120,
        ),
        Check(
            id="connectivity.waf-live",
            title="The firewall blocks, live",
            why="A rule that is configured and does not act protects nobody.",
            manual="curl -s -o /dev/null -w '%{http_code}' https://NAME/__waf-canary → 403",
            look=live.waf_blocks,
            after=("connectivity.dns",),
            timeout=120,
        ),
        Check(
            id="connectivity.origin",
            title="Nobody gets past the edge",
            why="A firewall in front of one door protects nobody while another stands open.",
            manual="curl -s -o /dev/null -w '%{http_code}' https://ORIGIN/ → refused, or 403",
            look=origin.origin_is_shut,
            after=("connectivity.https",),
            timeout=180,
        ),
    ),
)
