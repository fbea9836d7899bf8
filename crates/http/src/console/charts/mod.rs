//! Charts as SVG: pure functions from figures to the marks and labels that the template `console/charts/chart.html`
//! prints, with a table of the same figures for readers of screens.
//!
//! A chart has points on its axis, such as runs from the oldest to the newest, and panels above each other. A panel
//! shows one series as bars or several as lines, from zero; the latest value stands at its end.

mod scale;

use scale::Scale;

use super::times::grouped;

/// The size of the drawing, and of the plot in it.
const WIDTH: f64 = 984.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 872.0;

/// Above the plot of a panel: its name, and the names of failed points.
const HEAD: f64 = 28.0;
const BARS_HEIGHT: f64 = 84.0;
const LINES_HEIGHT: f64 = 150.0;

/// Below the last panel: the labels of the points.
const FOOT: f64 = 23.0;

/// The width of a bar, and the fewest places that the axis is divided into: few bars do not stand far apart.
const BAR: f64 = 6.0;
const MIN_PLACES: usize = 20;

/// The least distance between two labels of points, and between labels at the ends of lines.
const LABEL_WIDTH: f64 = 96.0;
const LABEL_HEIGHT: f64 = 14.0;

/// The figures of a chart.
pub(super) struct Figures {
    /// The title; the template gives it the id `{id}`.
    pub(super) title: String,
    pub(super) id: &'static str,
    /// What a point is, for the table, such as `Run`.
    pub(super) point: &'static str,
    /// The points, from left to right.
    pub(super) points: Vec<Point>,
    pub(super) panels: Vec<Panel>,
}

/// A place on the axis.
pub(super) struct Point {
    pub(super) label: String,
    /// What is said of it above the plot; empty for a point like others.
    pub(super) failure: String,
}

/// One plot of a chart.
pub(super) struct Panel {
    /// What it shows, with the unit.
    pub(super) name: String,
    /// How many decimals its values have.
    pub(super) decimals: usize,
    pub(super) kind: PanelKind,
}

/// How a panel shows its values, one for each point; `None` where there is none.
pub(super) enum PanelKind {
    Bars(Vec<Option<f64>>),
    Lines(Vec<Series>),
}

/// A line of a panel.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) style: LineStyle,
    pub(super) values: Vec<Option<f64>>,
}

/// The stroke of a line. What it stands for does not depend on the colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineStyle {
    Granted,
    Blocked,
    Masked,
    Unmasked,
}

impl LineStyle {
    fn class(self) -> &'static str {
        match self {
            Self::Granted => "line s-yes",
            Self::Blocked => "line s-no",
            Self::Masked => "line s-veil dash",
            Self::Unmasked => "line s-bare dots",
        }
    }
}

/// A chart as the template prints it.
#[derive(Debug)]
pub(super) struct ChartView {
    pub(super) title: String,
    pub(super) id: &'static str,
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
    pub(super) labels: Vec<Label>,
    pub(super) heads: Vec<String>,
    /// The figures, the newest first.
    pub(super) rows: Vec<FigureRow>,
}

impl ChartView {
    pub(super) fn width(&self) -> f64 {
        WIDTH
    }
}

/// A path and its classes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) path: String,
}

/// A text in the drawing.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    /// The part that stands out.
    pub(super) strong: String,
    pub(super) text: String,
}

/// A row of the table: the point, and a cell for each series.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FigureRow {
    pub(super) name: String,
    pub(super) cells: Vec<String>,
}

/// Draws a chart.
pub(super) fn draw(figures: Figures) -> ChartView {
    let places = Places::new(figures.points.len());
    let (mut marks, mut labels) = (Vec::new(), Vec::new());
    let mut top = 0.0;
    for (position, panel) in figures.panels.iter().enumerate() {
        let plot = Plot { panel, places: &places, points: &figures.points, top, is_first: position == 0 };
        top = plot.draw(&mut marks, &mut labels);
    }
    for at in places.labelled() {
        labels.push(Label {
            x: rounded(places.middle(at)),
            y: top + 17.0,
            anchor: "middle",
            strong: String::new(),
            text: figures.points[at].label.clone(),
        });
    }
    let rows = figures.points.iter().enumerate().rev().map(|(at, point)| FigureRow {
        name: point.label.clone(),
        cells: figures.panels.iter().flat_map(|panel| panel.cells(at)).collect(),
    });
    ChartView {
        rows: rows.collect(),
        heads: std::iter::once(figures.point.to_owned())
            .chain(figures.panels.iter().flat_map(Panel::heads))
            .collect(),
        title: figures.title,
        id: figures.id,
        height: top + FOOT,
        marks,
        labels,
    }
}

/// The places of points on the axis; few points are at its right end.
struct Places {
    count: usize,
    width: f64,
}

impl Places {
    fn new(count: usize) -> Self {
        Self { count, width: (RIGHT - LEFT) / count.max(MIN_PLACES) as f64 }
    }

    fn middle(&self, at: usize) -> f64 {
        RIGHT - (self.count - at) as f64 * self.width + self.width / 2.0
    }

    /// The points whose labels are below the axis: the newest, and older ones as far apart as labels are wide.
    fn labelled(&self) -> Vec<usize> {
        let step = ((LABEL_WIDTH / self.width).ceil() as usize).max(1);
        (0..self.count).rev().step_by(step).collect()
    }
}

struct Plot<'a> {
    panel: &'a Panel,
    places: &'a Places,
    points: &'a [Point],
    top: f64,
    is_first: bool,
}

impl Plot<'_> {
    /// Adds the marks and labels of a panel, and returns where the next begins.
    fn draw(&self, marks: &mut Vec<Mark>, labels: &mut Vec<Label>) -> f64 {
        let zero = self.top + HEAD + self.panel.height();
        let scale = Scale::new(self.panel.largest(), self.panel.height());
        for (number, value) in scale.ticks.iter().enumerate() {
            let (y, class) = (zero - scale.height_of(*value), if number == 0 { "axis" } else { "grid" });
            marks.push(Mark { class, path: format!("M{LEFT} {y:.1}H{RIGHT}") });
            let text = shown(*value, scale.decimals);
            labels.push(Label {
                x: LEFT - 8.0,
                y: rounded(y + 4.0),
                anchor: "end",
                strong: String::new(),
                text,
            });
        }
        labels.push(Label {
            x: LEFT,
            y: self.top + 19.0,
            anchor: "start",
            strong: self.panel.name.clone(),
            text: String::new(),
        });
        match &self.panel.kind {
            PanelKind::Bars(values) => self.draw_bars(values, &scale, zero, marks, labels),
            PanelKind::Lines(series) => self.draw_lines(series, &scale, zero, marks, labels),
        }
        self.draw_failures(zero, marks, labels);
        zero
    }

    fn draw_bars(
        &self,
        values: &[Option<f64>],
        scale: &Scale,
        zero: f64,
        marks: &mut Vec<Mark>,
        labels: &mut Vec<Label>,
    ) {
        let last = self.points.len().saturating_sub(1);
        for (at, (value, point)) in values.iter().zip(self.points).enumerate() {
            let Some(value) = value else { continue };
            let (x, y) = (self.places.middle(at) - BAR / 2.0, zero - scale.height_of(*value));
            let class = match () {
                () if !point.failure.is_empty() => "f-no",
                () if at == last => "f-now",
                () => "f-ink",
            };
            marks.push(Mark { class, path: format!("M{x:.1} {y:.1}h{BAR}V{zero:.1}h-{BAR}z") });
            if at == last {
                labels.push(Label {
                    x: RIGHT + 8.0,
                    y: rounded(y + 4.0),
                    anchor: "start",
                    strong: shown(*value, self.panel.decimals),
                    text: String::new(),
                });
            }
        }
    }

    fn draw_lines(
        &self,
        series: &[Series],
        scale: &Scale,
        zero: f64,
        marks: &mut Vec<Mark>,
        labels: &mut Vec<Label>,
    ) {
        let mut ends = Vec::new();
        for line in series {
            let mut path = String::new();
            let mut is_broken = true;
            for (at, value) in line.values.iter().enumerate() {
                let Some(value) = value else {
                    is_broken = true;
                    continue;
                };
                let (x, y) = (self.places.middle(at), zero - scale.height_of(*value));
                // A point alone is a dot.
                let dot = if is_broken { "h0" } else { "" };
                let command = if is_broken { 'M' } else { 'L' };
                path.push_str(&format!("{command}{x:.1} {y:.1}{dot}"));
                is_broken = false;
            }
            if !path.is_empty() {
                marks.push(Mark { class: line.style.class(), path });
            }
            if let Some(value) = line.values.iter().rev().find_map(|value| *value) {
                ends.push((
                    zero - scale.height_of(value) + 4.0,
                    shown(value, self.panel.decimals),
                    line.name,
                ));
            }
        }
        // Labels of near lines would cover each other: from the bottom up each keeps its distance from the one below.
        ends.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut below = f64::INFINITY;
        for (y, strong, name) in ends {
            below = y.min(below - LABEL_HEIGHT);
            labels.push(Label {
                x: RIGHT + 8.0,
                y: rounded(below),
                anchor: "start",
                strong,
                text: format!(" {name}"),
            });
        }
    }

    /// Adds a cross where a failed point has no value, and names failures as far as there is room.
    fn draw_failures(&self, zero: f64, marks: &mut Vec<Mark>, labels: &mut Vec<Label>) {
        let mut free = f64::INFINITY;
        for (at, point) in self.points.iter().enumerate().rev() {
            if point.failure.is_empty() {
                continue;
            }
            let x = self.places.middle(at);
            if !self.panel.has_value(at) {
                let path = format!("M{:.1} {:.1}l7 7m0-7-7 7", x - 3.5, zero - 10.5);
                marks.push(Mark { class: "line s-no", path });
            }
            let is_clear_of_name = x - LABEL_WIDTH / 2.0 > LEFT + LABEL_WIDTH;
            if self.is_first && x + LABEL_WIDTH / 2.0 < free && is_clear_of_name {
                free = x - LABEL_WIDTH / 2.0;
                labels.push(Label {
                    x: rounded(x),
                    y: self.top + 19.0,
                    anchor: "middle",
                    strong: String::new(),
                    text: point.failure.clone(),
                });
            }
        }
    }
}

impl Panel {
    fn height(&self) -> f64 {
        match self.kind {
            PanelKind::Bars(_) => BARS_HEIGHT,
            PanelKind::Lines(_) => LINES_HEIGHT,
        }
    }

    fn all_values(&self) -> Vec<&[Option<f64>]> {
        match &self.kind {
            PanelKind::Bars(values) => vec![values],
            PanelKind::Lines(series) => series.iter().map(|line| &*line.values).collect(),
        }
    }

    fn largest(&self) -> f64 {
        self.all_values().into_iter().flatten().flatten().copied().fold(0.0, f64::max)
    }

    fn has_value(&self, at: usize) -> bool {
        self.all_values().into_iter().any(|values| values.get(at).is_some_and(Option::is_some))
    }

    fn heads(&self) -> Vec<String> {
        match &self.kind {
            PanelKind::Bars(_) => vec![self.name.clone()],
            PanelKind::Lines(series) => {
                series.iter().map(|line| format!("{}, {}", self.name, line.name)).collect()
            }
        }
    }

    fn cells(&self, at: usize) -> Vec<String> {
        let cell = |values: &[Option<f64>]| match values.get(at) {
            Some(Some(value)) => shown(*value, self.decimals),
            _ => "–".to_owned(),
        };
        self.all_values().into_iter().map(cell).collect()
    }
}

/// A value with its decimals, grouped by thousands.
fn shown(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// A coordinate with one decimal.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
