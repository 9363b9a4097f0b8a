//! `--report`: a page with the figures of a run, what it looked like over time, and where something was lost.
//!
//! It is one file without a script, with nothing in it that is fetched from elsewhere.

mod chart;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hdrhistogram::Histogram;

use self::chart::{Chart, ChartLine, Mark, Scale, escaped};
use super::cost::grouped;
use super::measure::{MessageCounts, Point, Timeline};
use super::results::Results;
use super::text::{bytes, counted, ms, number};

/// What a page is made of.
#[derive(Debug)]
pub struct ReportPage<'a> {
    /// The command that made it.
    pub command: String,
    /// Where it connected; may be empty.
    pub place: String,
    /// When it was over, RFC 3339.
    pub time: String,
    pub results: &'a Results,
    pub timeline: &'a Timeline,
    /// Lost messages by the second in which that was noticed.
    pub lost: &'a BTreeMap<u32, u64>,
    pub warnings: Vec<String>,
}

/// Most points of a line.
const POINTS: usize = 600;
/// Most rows of a table.
const ROWS: usize = 200;

impl ReportPage<'_> {
    /// The whole page.
    pub fn html(&self) -> String {
        let title = format!("wps bench {}", self.results.mode);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            include_str!("page.css")
        );
        // Writing to a string cannot fail.
        let place = if self.place.is_empty() { String::new() } else { format!("{}, ", escaped(&self.place)) };
        let _ = writeln!(out, "<p>{place}{}</p>", escaped(&self.time));
        let _ = writeln!(out, "<pre>{}</pre>", escaped(&self.command));
        for warning in &self.warnings {
            let _ = writeln!(out, "<p class=\"warning\">{}</p>", escaped(warning));
        }
        out.push_str(&self.cards());
        let points = thinned(&self.timeline.points);
        let end = points.last().map_or(1.0, |point| point.end);
        let marks = self.marks(&points);
        if !points.is_empty() {
            let _ = write!(out, "<h2>Messages a second</h2>\n{}", self.rates(&points, end, &marks).html());
            for (name, what, times) in [
                ("Latency over time, from due to receipt", "latency", (|point| point.latency) as fn(&Point) -> _),
                ("Latency over time, from due to ack", "latency of acks", |point| point.ack),
            ] {
                if let Some(chart) = latencies(what, &points, end, &marks, times) {
                    let _ = write!(out, "<h2>{name}</h2>\n{}", chart.html());
                }
            }
        }
        if let Some(chart) = self.percentiles() {
            let _ =
                write!(out, "<h2>Percentiles</h2>\n<p>How many of all messages took no longer.</p>\n{}", chart.html());
        }
        out.push_str(&self.table());
        out.push_str(&self.losses());
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(
            out,
            "<footer>Latencies count from when a message was due, and leave the ramp out. Made by wps {version}.</footer>\n\
             </body>\n</html>"
        );
        out
    }

    fn cards(&self) -> String {
        let it = self.results;
        let mut cards: Vec<(String, String, bool)> = Vec::new();
        let mut card = |value: String, name: &str, bad: bool| cards.push((value, name.to_owned(), bad));
        if it.sent > 0 {
            card(grouped(it.sent), "sent", false);
            card(format!("{}/s", number(it.send_rate)), "send rate", false);
        }
        if it.subscribers > 0 {
            card(grouped(it.received), "received", false);
            card(format!("{}/s", number(it.receive_rate)), "receive rate", false);
            card(format!("{}/s", bytes(it.bytes_per_second)), "payload", false);
            card(grouped(it.lost), "lost", it.lost > 0);
            card(grouped(it.doubled), "doubled", it.doubled > 0);
            card(grouped(it.reordered), "reordered", it.reordered > 0);
        }
        for (count, name) in [
            (it.refused, "refused"),
            (it.unacked, "without an ack"),
            (it.unsent.unwrap_or(0), "due, not sent"),
            (it.connections_lost, if it.connections_lost == 1 { "connection lost" } else { "connections lost" }),
        ] {
            if count > 0 {
                card(grouped(count), name, true);
            }
        }
        if let Some(latency) = it.latency {
            card(format!("{} ms", ms(latency.p50_ms)), "p50", false);
            card(format!("{} ms", ms(latency.p99_ms)), "p99", false);
            card(format!("{} ms", ms(latency.max_ms)), "max", false);
        } else if let Some(ack) = it.ack {
            card(format!("{} ms", ms(ack.ack_p50_ms)), "p50 to ack", false);
            card(format!("{} ms", ms(ack.ack_p99_ms)), "p99 to ack", false);
        }
        if let Some(cpu) = it.cpu_percent {
            card(format!("{} %", number(cpu)), "of a processor, this tool", it.limited_by_tool);
        }
        let mut out = String::from("<div class=\"cards\">\n");
        for (value, name, bad) in cards {
            let class = if bad { "card bad" } else { "card" };
            let _ = writeln!(out, "<div class=\"{class}\"><b>{value}</b><span>{name}</span></div>");
        }
        out.push_str("</div>\n");
        out
    }

    /// Losses of messages and connections, where they were noticed.
    fn marks(&self, points: &[Point]) -> Vec<Mark> {
        let lost = self.lost.iter().map(|(second, count)| Mark {
            at: f64::from(*second) + 0.5,
            title: format!("{} lost in second {second}", grouped(*count)),
            is_loss: true,
        });
        let cut = points.iter().filter(|point| point.counts.losses > 0).map(|point| Mark {
            at: point.end - point.length / 2.0,
            title: String::new(),
            is_loss: false,
        });
        lost.take(POINTS).chain(cut).collect()
    }

    fn rates(&self, points: &[Point], end: f64, marks: &[Mark]) -> Chart {
        let line = |class, name, count: fn(&MessageCounts) -> u64| {
            let rate = |point: &Point| (point.length > 0.0).then(|| count(&point.counts) as f64 / point.length);
            let points = points.iter().map(|point| (middle(point), rate(point))).collect();
            ChartLine { class, name, points }
        };
        let mut lines = Vec::new();
        if self.results.sent > 0 {
            lines.push(line("a", "sent", |counts| counts.sent));
        }
        if self.results.subscribers > 0 {
            lines.push(line("b", "received", |counts| counts.received));
        }
        let most = largest(&lines);
        let y = Scale::from_zero(most);
        Chart {
            description: "messages sent and received a second, over time".to_owned(),
            x: Scale::Linear(0.0, end),
            y,
            x_ticks: seconds(end),
            y_ticks: y.ticks().into_iter().map(|value| (value, number(value))).collect(),
            lines,
            marks: marks.to_vec(),
        }
    }

    /// The percentile curves: the further to the right, the fewer messages took longer.
    fn percentiles(&self) -> Option<Chart> {
        let total = &self.timeline.total;
        let curve = |class, name, histogram: &Histogram<u64>| {
            let decades = (histogram.len() as f64).log10();
            let steps = (decades * 40.0).ceil() as u32;
            let points = (0..=steps).map(|step| {
                let decade = f64::from(step) / 40.0;
                let quantile = (1.0 - 10f64.powf(-decade)).min(1.0);
                (decade.min(decades), Some(histogram.value_at_quantile(quantile) as f64 / 1e6))
            });
            ChartLine { class, name, points: points.collect() }
        };
        let mut lines = Vec::new();
        if !total.latency.is_empty() {
            lines.push(curve("a", "to receipt", &total.latency));
        }
        if !total.ack.is_empty() {
            lines.push(curve("b", "to ack", &total.ack));
        }
        let most = [&total.latency, &total.ack].map(|it| it.len()).into_iter().max().unwrap_or(0);
        if most < 2 {
            return None;
        }
        let decades = (most as f64).log10();
        let names = [(0.0, "0 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"), (5.0, "99.999 %")];
        let y = Scale::covering(smallest(&lines), largest(&lines));
        Some(Chart {
            description: "latency by percentile".to_owned(),
            x: Scale::Linear(0.0, decades.max(1.0)),
            y,
            x_ticks: names
                .iter()
                .filter(|(at, _)| *at <= decades)
                .map(|(at, name)| (*at, (*name).to_owned()))
                .collect(),
            y_ticks: y.ticks().into_iter().map(|value| (value, format!("{} ms", short(value)))).collect(),
            lines,
            marks: Vec::new(),
        })
    }

    fn table(&self) -> String {
        let latency = self.results.latency.map(|it| ("to receipt", it.columns()));
        let ack = self.results.ack.map(|it| ("to ack", it.columns()));
        let rows: Vec<_> = [latency, ack].into_iter().flatten().collect();
        if rows.is_empty() {
            return String::new();
        }
        let mut out = String::from("<h2>Latencies in milliseconds</h2>\n<div class=\"scroll\"><table>\n<tr><th></th>");
        for head in ["min", "mean", "p50", "p90", "p99", "p99.9", "max"] {
            let _ = write!(out, "<th>{head}</th>");
        }
        out.push_str("</tr>\n");
        for (name, columns) in rows {
            let cells: String = columns.iter().map(|value| format!("<td>{}</td>", ms(*value))).collect();
            let _ = writeln!(out, "<tr><td>{name}</td>{cells}</tr>");
        }
        out.push_str("</table></div>\n");
        out
    }

    /// When messages were lost.
    fn losses(&self) -> String {
        if self.lost.is_empty() {
            return String::new();
        }
        let mut out = String::from(
            "<h2>Lost messages</h2>\n<div class=\"scroll\"><table>\n<tr><th>noticed in second</th><th>messages</th></tr>\n",
        );
        for (second, count) in self.lost.iter().take(ROWS) {
            let _ = writeln!(out, "<tr><td>{second}</td><td>{}</td></tr>", grouped(*count));
        }
        out.push_str("</table></div>\n");
        if self.lost.len() > ROWS {
            let more = counted((self.lost.len() - ROWS) as u64, "more second");
            let _ = writeln!(out, "<p>… and in {more}</p>");
        }
        out
    }
}

/// Latencies over time, if there are any.
fn latencies(
    what: &str,
    points: &[Point],
    end: f64,
    marks: &[Mark],
    times: fn(&Point) -> Option<[u64; 3]>,
) -> Option<Chart> {
    let line = |class, name, which: usize| {
        let at = |point: &Point| times(point).map(|it| it[which] as f64 / 1e6);
        ChartLine { class, name, points: points.iter().map(|point| (middle(point), at(point))).collect() }
    };
    let lines = vec![line("a", "p50", 0), line("b", "p99", 1), line("c", "max", 2)];
    let most = largest(&lines);
    if most <= 0.0 {
        return None;
    }
    let y = Scale::covering(smallest(&lines), most);
    Some(Chart {
        description: format!("{what} over time: half of all messages, 99 of 100, and all took no longer"),
        x: Scale::Linear(0.0, end),
        y,
        x_ticks: seconds(end),
        y_ticks: y.ticks().into_iter().map(|value| (value, format!("{} ms", short(value)))).collect(),
        lines,
        marks: marks.to_vec(),
    })
}

fn middle(point: &Point) -> f64 {
    point.end - point.length / 2.0
}

fn values(lines: &[ChartLine]) -> impl Iterator<Item = f64> {
    lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, y)| *y))
}

fn largest(lines: &[ChartLine]) -> f64 {
    values(lines).fold(0.0, f64::max)
}

fn smallest(lines: &[ChartLine]) -> f64 {
    values(lines).fold(f64::MAX, f64::min)
}

/// Moments that are written below a chart.
fn seconds(end: f64) -> Vec<(f64, String)> {
    let (unit, size) = match end {
        ..180.0 => ("s", 1.0),
        ..10_800.0 => ("min", 60.0),
        _ => ("h", 3600.0),
    };
    let ticks = Scale::from_zero(end / size).ticks().into_iter().filter(|it| it * size <= end * 1.001);
    ticks.map(|it| (it * size, format!("{} {unit}", short(it)))).collect()
}

/// A round number without needless digits.
fn short(value: f64) -> String {
    if value >= 1000.0 { grouped(value.round() as u64) } else { format!("{}", (value * 1e4).round() / 1e4) }
}

/// No more points than a screen can show: neighbours are taken together, of the slow ones the slowest.
fn thinned(points: &[Point]) -> Vec<Point> {
    let together = points.len().div_ceil(POINTS).max(1);
    let join = |times: &dyn Fn(&Point) -> Option<[u64; 3]>, group: &[Point]| {
        let all: Vec<[u64; 3]> = group.iter().filter_map(times).collect();
        let most = |which: usize| all.iter().map(|it| it[which]).max().unwrap_or(0);
        let count = all.len() as u64;
        (count > 0).then(|| [all.iter().map(|it| it[0]).sum::<u64>() / count, most(1), most(2)])
    };
    points
        .chunks(together)
        .map(|group| {
            let mut counts = MessageCounts::default();
            group.iter().for_each(|point| counts.add(&point.counts));
            Point {
                end: group.last().map_or(0.0, |point| point.end),
                length: group.iter().map(|point| point.length).sum(),
                counts,
                latency: join(&|point| point.latency, group),
                ack: join(&|point| point.ack, group),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Interval, Samples};
    use super::*;

    fn timeline(seconds: u64) -> Timeline {
        let mut timeline = Timeline::new(Interval::new().unwrap());
        let mut interval = Interval::new().unwrap();
        for second in 1..=seconds {
            let mut samples = Samples { latency: (1..=100).map(|at| at * 100_000).collect(), ..Samples::default() };
            samples.counts.sent = 100;
            samples.counts.received = 100;
            samples.put(&mut interval);
            timeline.close(second as f64, &mut interval);
        }
        timeline
    }

    #[test]
    fn a_page_has_the_command_the_figures_and_the_losses_and_fetches_nothing() {
        let timeline = timeline(20);
        let results = Results { mode: "pubsub".into(), sent: 2000, subscribers: 1, lost: 3, ..Results::default() }
            .with_histograms(&timeline.total.latency, &timeline.total.ack);
        let lost = BTreeMap::from([(7, 3)]);
        let page = ReportPage {
            command: "wps bench pubsub --group '<b>'".into(),
            place: "localhost:8080".into(),
            time: "2030-01-01T00:00:00Z".into(),
            results: &results,
            timeline: &timeline,
            lost: &lost,
            warnings: vec!["a & b".into()],
        };
        let html = page.html();
        for part in [
            "<pre>wps bench pubsub --group &#39;&lt;b&gt;&#39;</pre>",
            "<b>2,000</b><span>sent</span>",
            "<div class=\"card bad\"><b>3</b><span>lost</span></div>",
            "title=\"3 lost in second 7\"",
            "<td>7</td><td>3</td>",
            "a &amp; b",
            "99.9 %",
            "prefers-color-scheme: dark",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        for fetched in ["http://", "https://", "<script", "<link", "src=", "url("] {
            assert!(!html.contains(fetched), "{fetched}");
        }
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }

    #[test]
    fn a_page_of_a_long_run_is_no_longer_than_that_of_a_short_one() {
        assert_eq!(thinned(&timeline(10).points).len(), 10);
        let points = thinned(&timeline(5000).points);
        assert!((POINTS / 2..=POINTS).contains(&points.len()), "{}", points.len());
        assert_eq!(points.iter().map(|point| point.counts.sent).sum::<u64>(), 500_000);
    }
}
