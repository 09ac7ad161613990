"""How the audit trail is shown."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from headwater_kit.bus.audit import Finding, Verification
from headwater_kit.core.audit import AuditRecorded, CallServed
from headwater_kit.core.events import GuardDecided
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SHOWN_FINDINGS = 20


def note_values(link: AuditRecorded) -> dict[str, Any]:
    """What a link notes, for machines; a decision of the guard stands as a call of its check."""
    entry = link.entry
    at = {"time": _time(link.time), "service": link.service, "chain_id": link.chain_id, "sequence": link.sequence}
    if isinstance(entry, CallServed):
        return at | {
            "method": entry.method,
            "tenant": entry.tenant,
            "user_tenant": entry.user_tenant,
            "user": entry.user,
            "subject": entry.subject,
            "code": entry.code,
            "reason": entry.reason,
            "trace_id": entry.trace_id,
        }
    if isinstance(entry, GuardDecided):
        return at | {
            "method": f"guard/{entry.stage.value}",
            "tenant": entry.tenant,
            "user_tenant": entry.tenant,
            "user": entry.user,
            "subject": entry.answer_id,
            "code": entry.verdict.value,
            "reason": ", ".join(sorted({f"{found.policy} {found.kind}" for found in entry.findings})),
            "trace_id": "",
        }
    return at | {"method": "", "tenant": "", "user": "", "subject": ""}


def verified_values(verification: Verification, findings: Sequence[Finding]) -> dict[str, Any]:
    """What a look found, for machines."""
    return {
        "findings": [
            {
                "fault": finding.fault.value,
                "chain_id": finding.chain_id,
                "sequence": finding.sequence,
                "place": finding.place,
                "detail": finding.detail,
            }
            for finding in findings
        ],
        "chains": [
            {
                "chain_id": name,
                "service": state.service,
                "start_time": _time(state.start_time),
                "last_time": _time(state.last_time),
                "first": state.first,
                "last": state.head.sequence,
                "links": state.links,
                "has_ended": state.has_ended,
            }
            for name, state in verification.chains.items()
        ],
        "beside": verification.beside,
    }


def show_verified(verification: Verification, findings: Sequence[Finding]) -> None:
    """What a look found."""
    console = Console()
    for finding in findings[:SHOWN_FINDINGS]:
        at = finding.place or "at its end"
        console.print(
            f"[red]{finding.fault.value}[/red] chain {escape(finding.chain_id)} link {finding.sequence} "
            f"({at}): {escape(finding.detail)}",
            highlight=False,
            soft_wrap=True,
        )
    if len(findings) > SHOWN_FINDINGS:
        console.print(f"and {len(findings) - SHOWN_FINDINGS} more: --json shows all")
    states = verification.chains.values()
    links, open_ones = sum(state.links for state in states), sum(not state.has_ended for state in states)
    console.print(
        f"{len(states)} chains, {links:,} links; {open_ones} without a last link, as of processes that run or were "
        "killed",
        highlight=False,
    )
    if gone := sum(state.first > 0 for state in states):
        console.print(f"of {gone} of them the first links are gone, as by the topic's retention", highlight=False)
    if verification.beside:
        console.print(f"{verification.beside:,} records stand in no chain", highlight=False)
    console.print(f"[red]{len(findings)} faults[/red]" if findings else "[green]no fault[/green]", highlight=False)


def show_notes(notes: Sequence[AuditRecorded]) -> None:
    """What was noted, a line each."""
    console = Console()
    table = Table("time", "call", "of tenant", "by", "about", "ended", box=None, pad_edge=False)
    for values in map(note_values, notes):
        by = (
            values["user"] if values["user_tenant"] == values["tenant"] else f"{values['user_tenant']}/{values['user']}"
        )
        ended = " ".join(filter(None, (values["code"] or "begun", values["reason"])))
        cells = (
            values["time"],
            values["method"].removeprefix("headwater."),
            values["tenant"] or "all",
            by,
            values["subject"],
            ended,
        )
        table.add_row(*map(escape, cells))
    console.print(table if notes else "nothing noted that matches")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
