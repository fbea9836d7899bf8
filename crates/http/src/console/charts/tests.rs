use super::*;

fn points(count: usize, failed: &[usize]) -> Vec<Point> {
    let point = |at: usize| Point {
        label: format!("{at} Nov"),
        failure: if failed.contains(&at) { format!("{at} Nov failed") } else { String::new() },
    };
    (0..count).map(point).collect()
}

fn bars(values: Vec<Option<f64>>, failed: &[usize]) -> ChartView {
    draw(Figures {
        title: "Duration".into(),
        id: "c",
        point: "Run",
        points: points(values.len(), failed),
        panels: vec![Panel { name: "Seconds".into(), decimals: 1, kind: PanelKind::Bars(values) }],
    })
}

#[test]
fn bars_start_at_zero_and_the_latest_stands_out() {
    let chart = bars(vec![Some(6.0), Some(10.0)], &[]);
    let drawn: Vec<_> = chart.marks.iter().filter(|mark| mark.class.starts_with("f-")).collect();
    assert_eq!((drawn[0].class, drawn[1].class), ("f-ink", "f-now"));
    assert_eq!(drawn[1].path, "M848.8 28.0h6V112.0h-6z", "the whole height");
    assert!(chart.labels.iter().any(|label| label.strong == "10.0"));
    assert_eq!(chart.rows[0], FigureRow { name: "1 Nov".into(), cells: vec!["10.0".into()] });
}

#[test]
fn a_failed_point_is_red_or_a_cross_and_is_named_once_where_there_is_room() {
    let mut values = vec![Some(1.0); 60];
    values[41] = None;
    let chart = bars(values, &[40, 41]);
    let crosses = chart.marks.iter().filter(|mark| mark.class == "line s-no").count();
    let red = chart.marks.iter().filter(|mark| mark.class == "f-no").count();
    let named: Vec<_> = chart.labels.iter().filter(|label| label.text.ends_with("failed")).collect();
    assert_eq!((crosses, red, named.len()), (1, 1, 1));
    assert_eq!(named[0].text, "41 Nov failed");
    assert_eq!(chart.rows[18].cells, ["–"]);
}

#[test]
fn lines_break_where_there_is_no_value_and_their_labels_keep_apart() {
    let line = |name, style, values| Series { name, style, values };
    let chart = draw(Figures {
        title: "Outcomes".into(),
        id: "c",
        point: "Run",
        points: points(3, &[]),
        panels: vec![Panel {
            name: "Rows".into(),
            decimals: 0,
            kind: PanelKind::Lines(vec![
                line("granted", LineStyle::Granted, vec![Some(1.0), None, Some(1_000.0)]),
                line("masked", LineStyle::Masked, vec![Some(1.0), Some(1.0), Some(995.0)]),
            ]),
        }],
    });
    let granted = chart.marks.iter().find(|mark| mark.class == "line s-yes").unwrap();
    assert_eq!(granted.path.matches('M').count(), 2);
    let ends: Vec<_> = chart.labels.iter().filter(|label| label.text.starts_with(' ')).collect();
    assert!((ends[0].y - ends[1].y).abs() > LABEL_HEIGHT - 0.2, "{ends:?}");
    assert_eq!(chart.heads, ["Run", "Rows, granted", "Rows, masked"]);
    assert_eq!(chart.rows[0].cells, ["1,000", "995"]);
}

#[test]
fn a_chart_without_points_has_its_axis() {
    let chart = bars(vec![], &[]);
    assert!(chart.rows.is_empty() && chart.marks.iter().any(|mark| mark.class == "axis"));
}
