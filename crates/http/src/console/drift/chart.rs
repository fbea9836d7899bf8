//! The findings of the last runs as a chart, from the stored reports.

use domesday_drift::FindingKind;
use domesday_store::{RunRecord, RunState};

use crate::console::charts::{self, ChartView, Figures, LineStyle, Panel, PanelKind, Point, Series};
use crate::console::runs::report::StoredReport;
use crate::console::times::Calendar;

/// How many runs the chart shows.
pub(super) const CHARTED: usize = 60;

/// A line of the chart: its name, what it counts, and how it is drawn.
type Line = (&'static str, FindingKind, LineStyle);

/// The panels: who can too much, and who can too little or is unknown.
const PANELS: [(&str, [Line; 3]); 2] = [
    (
        "More than the policies say",
        [
            ("excess", FindingKind::Excess, LineStyle::Blocked),
            ("excess, blocked", FindingKind::ExcessBlocked, LineStyle::Masked),
            ("unmasked columns", FindingKind::UnmaskedColumn, LineStyle::Unmasked),
        ],
    ),
    (
        "Less, or by unmapped roles",
        [
            ("missing", FindingKind::Missing, LineStyle::Granted),
            ("partial", FindingKind::Partial, LineStyle::Masked),
            ("unmapped", FindingKind::Unmapped, LineStyle::Unmasked),
        ],
    ),
];

/// Draws the findings of runs that have ended, given from the newest on; of one connection, or of all. None before a run has
/// compared a database.
pub(super) fn chart(runs: &[RunRecord], connection: Option<&str>, calendar: &Calendar) -> Option<ChartView> {
    let reports: Vec<_> = runs.iter().rev().map(StoredReport::of).collect();
    let count = |report: &Option<StoredReport>, kind: FindingKind| {
        let drift = report.as_ref()?.drift.iter();
        let meant = drift.filter(|it| connection.is_none_or(|name| it.connection == name));
        let counts: Vec<u64> = meant.filter_map(|it| it.findings.get(kind.as_str()).copied()).collect();
        // A run without such a connection found nothing, which is not the same as no finding.
        (!counts.is_empty()).then(|| counts.iter().sum::<u64>() as f64)
    };
    // Runs from before the first database was read say nothing.
    let first = reports.iter().position(|report| count(report, FindingKind::Excess).is_some())?;
    let (runs, reports) = (&runs[..runs.len() - first], &reports[first..]);
    let points = runs.iter().rev().map(|run| {
        let label = calendar.date(run.snapshot_at.unwrap_or(run.created_at));
        let failure = match run.state {
            RunState::Succeeded => String::new(),
            state => format!("{label} {state}"),
        };
        Point { label, failure }
    });
    let panels = PANELS.into_iter().map(|(name, lines)| {
        let lines = lines.into_iter().map(|(name, kind, style)| Series {
            name,
            style,
            values: reports.iter().map(|report| count(report, kind)).collect(),
        });
        Panel { name: name.to_owned(), decimals: 0, kind: PanelKind::Lines(lines.collect()) }
    });
    Some(charts::draw(Figures {
        title: match runs.len() {
            1 => "Findings of the last run".to_owned(),
            count => format!("Findings of the last {count} runs"),
        },
        id: "chart",
        point: "Run",
        points: points.collect(),
        panels: panels.collect(),
    }))
}
