"""How a day's file looks: its header, order of columns, line ends, compression. The dirt of files, not of rows."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from random import Random

COLUMNS = (
    "ticket_id", "created_at", "resolved_at", "resolution_hours", "sla_hours", "sla_breached", "priority", "category",
    "channel", "customer_tier", "status", "agent_id", "updated_at",
)  # fmt: skip
_SCRAMBLED = (
    ("Ticket ID", "created At", "RESOLVED_AT", "resolution-hours", "slA hours", "SLA Breach ed", "PRIORITY",
     "CATEGO RY", "Channel", "customeR tier", "StatuS", "Agent-ID", "updated.at"),
    ("TicketId", "Created At", "Resolved At", "Resolution Hours", "SLA Hours", "SLA Breached", "Priority", "Category",
     "Channel", "Customer Tier", "Status", "Agent Id", "Updated At"),
)  # fmt: skip
_SUBJECTS = (
    "Can't log in", '"Parcel lost\nsince Monday"', '"They said ""wait"", twice"', '"Refund, please"', "",
    '"Hello,\r\n\r\nmy order hasn\'t come.\r\n"', "Größe falsch – bitte tauschen",
    '"Step 1: open\nStep 2: ""boom""\nStep 3: ?"',
)  # fmt: skip
PERIOD = 14
_FEATURES = {
    1: ("bom", "crlf"), 2: ("scrambled_header", "subject"), 3: ("gzip",), 4: ("corrected",), 5: ("mixed_line_ends",),
    6: ("iso_times", "subject"), 8: ("blank_lines",), 9: ("header_only",),
    10: ("scrambled_header", "no_resolution_hours"), 11: ("no_final_newline", "bom"), 12: ("corrected", "crlf"),
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """One file's looks. `order` lists indexes into COLUMNS as the file has them; `names` are the headers."""

    features: tuple[str, ...] = ()
    order: tuple[int, ...] | None = None
    names: tuple[str, ...] = COLUMNS

    def has(self, feature: str) -> bool:
        """Whether the file has this trait."""
        return feature in self.features

    @property
    def suffix(self) -> str:
        """How the file's name ends."""
        return ".csv.gz" if self.has("gzip") else ".csv"

    def arrange(self, fields: list[str], rng: Random) -> list[str]:
        """The fields as the file orders them, with the extra column's text, ready to be joined."""
        arranged = fields if self.order is None else [fields[i] for i in self.order]
        if self.has("subject"):
            return [*arranged, _SUBJECTS[int(rng.random() * len(_SUBJECTS))]]
        return arranged

    def content(self, records: list[str], rng: Random) -> bytes:
        """The file's bytes; a lone surrogate in a record becomes the undecodable byte that it stands for."""
        lines = [",".join((*self.names, "Subject") if self.has("subject") else self.names), *records]
        if self.has("blank_lines"):
            for _ in range(min(3, len(records))):
                lines.insert(1 + int(rng.random() * len(records)), "")
        if self.has("mixed_line_ends"):
            ends = [("\n", "\r\n")[at % 2 if at < 3 else int(rng.random() * 2)] for at in range(len(lines))]
            text = "".join(line + end for line, end in zip(lines, ends, strict=True))
        else:
            end = "\r\n" if self.has("crlf") else "\n"
            text = end.join(lines) + ("" if self.has("no_final_newline") and records else end)
        raw = (b"\xef\xbb\xbf" if self.has("bom") else b"") + text.encode("utf-8", "surrogateescape")
        return gzip.compress(raw, compresslevel=6, mtime=0) if self.has("gzip") else raw


def layout_for(index: int, days: int, rng: Random) -> Layout:
    """The looks of the index-th day: each trait comes once in PERIOD days; the last day is never empty."""
    features = _FEATURES.get(index % PERIOD, ())
    if "header_only" in features and index == days - 1:
        features = ()
    if "scrambled_header" not in features:
        return Layout(features)
    order = list(range(len(COLUMNS)))
    rng.shuffle(order)
    if "no_resolution_hours" in features:
        order.remove(COLUMNS.index("resolution_hours"))
    names = _SCRAMBLED[index % 2 if index % PERIOD == 2 else 1]
    return Layout(features, tuple(order), tuple(names[i] for i in order))
