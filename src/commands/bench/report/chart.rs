//! A chart: lines in SVG, and what is written at its axes in HTML, so that letters keep their size on every screen.
//!
//! Colours are those of the page, by class, which makes the same chart light or dark.

use std::fmt::Write as _;

/// The width and height of the drawing, whatever its size on the screen.
const SIDE: f64 = 1000.0;

/// Marks of lost messages are as high as the chart, unless there are more than this: they would hide the lines.
const TALL: usize = 40;

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Evenly, from the one to the other.
    Linear(f64, f64),
    /// By their logarithms; both are more than 0.
    Log(f64, f64),
}

impl Scale {
    /// From 0 to somewhat more than that.
    pub fn from_zero(most: f64) -> Self {
        let ticks = steps(most.max(f64::MIN_POSITIVE));
        Self::Linear(0.0, ticks.last().copied().unwrap_or(1.0))
    }

    /// Of values that may be far apart.
    pub fn covering(least: f64, most: f64) -> Self {
        if least > 0.0 && most / least > 30.0 {
            Self::Log(10f64.powf(least.log10().floor()), 10f64.powf(most.log10().ceil()))
        } else {
            Self::from_zero(most)
        }
    }

    /// Where that is, from 0 to 1.
    fn at(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(from, to) => (value - from) / (to - from),
            Self::Log(from, to) => (value.max(from).log10() - from.log10()) / (to.log10() - from.log10()),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Values that are written at the axis.
    pub fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear(_, to) => steps(to),
            Self::Log(from, to) => {
                let (from, to) = (from.log10().round() as i32, to.log10().round() as i32);
                (from..=to).map(|power| 10f64.powi(power)).collect()
            }
        }
    }
}

/// Round numbers from 0 to `most` or a bit more.
fn steps(most: f64) -> Vec<f64> {
    let rough = most / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|it| it * power).find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    if !step.is_finite() || step <= 0.0 {
        return vec![0.0, 1.0];
    }
    let count = (most / step - 1e-9).ceil().max(1.0) as u32;
    (0..=count).map(|at| f64::from(at) * step).collect()
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct ChartLine {
    /// `a`, `b` or `c`.
    pub class: &'static str,
    pub name: &'static str,
    /// Without a value the line has a gap.
    pub points: Vec<(f64, Option<f64>)>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Mark {
    pub at: f64,
    /// What to say of it.
    pub title: String,
    /// Messages were lost, or a connection was.
    pub is_loss: bool,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// For those who do not see it.
    pub description: String,
    pub x: Scale,
    pub y: Scale,
    pub x_ticks: Vec<(f64, String)>,
    pub y_ticks: Vec<(f64, String)>,
    pub lines: Vec<ChartLine>,
    pub marks: Vec<Mark>,
}

impl Chart {
    /// As HTML.
    pub fn html(&self) -> String {
        let mut out = String::from("<div class=\"legend\">");
        // Writing to a string cannot fail.
        for ChartLine { class, name, .. } in &self.lines {
            let _ = write!(out, "<span><i class=\"{class}\"></i>{name}</span>");
        }
        if self.marks.iter().any(|mark| mark.is_loss) {
            out.push_str("<span class=\"warning\">▼ messages lost</span>");
        }
        if self.marks.iter().any(|mark| !mark.is_loss) {
            out.push_str("<span>┆ connection lost</span>");
        }
        let _ = write!(
            out,
            "</div>\n<div class=\"plot\"><svg viewBox=\"0 0 {SIDE} {SIDE}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\">",
            escaped(&self.description)
        );
        for (value, _) in &self.y_ticks {
            let y = SIDE - self.y.at(*value) * SIDE;
            let _ = write!(out, "<line class=\"grid\" x1=\"0\" x2=\"{SIDE}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
        }
        let _ = write!(out, "<line class=\"axis\" x1=\"0\" x2=\"{SIDE}\" y1=\"{SIDE}\" y2=\"{SIDE}\"/>");
        let few = self.marks.iter().filter(|mark| mark.is_loss).count() <= TALL;
        for Mark { at, is_loss, .. } in &self.marks {
            let x = self.x.at(*at) * SIDE;
            // Of messages from above, of connections from below.
            let (class, from, to) = match (is_loss, few) {
                (true, true) => ("lost", 0.0, SIDE),
                (true, false) => ("lost", 0.0, SIDE / 15.0),
                (false, _) => ("cut", SIDE - SIDE / 20.0, SIDE),
            };
            let _ =
                write!(out, "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from:.0}\" y2=\"{to:.0}\"/>");
        }
        for line in &self.lines {
            let _ = write!(out, "<path class=\"{}\" d=\"{}\"/>", line.class, self.path(&line.points));
        }
        out.push_str("</svg>");
        for (value, text) in &self.y_ticks {
            let top = 100.0 - self.y.at(*value) * 100.0;
            let _ = write!(out, "<span class=\"y\" style=\"top:{top:.2}%\">{text}</span>");
        }
        for (value, text) in &self.x_ticks {
            let left = self.x.at(*value) * 100.0;
            let _ = write!(out, "<span class=\"x\" style=\"left:{left:.2}%\">{text}</span>");
        }
        for Mark { at, title, .. } in self.marks.iter().filter(|mark| mark.is_loss && few) {
            let left = self.x.at(*at) * 100.0;
            let title = escaped(title);
            let _ = write!(out, "<span class=\"mark\" style=\"left:{left:.2}%\" title=\"{title}\">▼</span>");
        }
        out.push_str("</div>\n");
        out
    }

    fn path(&self, points: &[(f64, Option<f64>)]) -> String {
        let mut path = String::new();
        let mut drawing = false;
        for (x, y) in points {
            let Some(y) = y else {
                drawing = false;
                continue;
            };
            let command = if drawing { 'L' } else { 'M' };
            let (x, y) = (self.x.at(*x) * SIDE, SIDE - self.y.at(*y) * SIDE);
            let _ = write!(path, "{command}{x:.1} {y:.1}");
            drawing = true;
        }
        path
    }
}

/// Text as HTML has it, in an attribute too.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_a_few_round_numbers() {
        for (most, expected) in [
            (10.0, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0][..]),
            (7.3, &[0.0, 2.0, 4.0, 6.0, 8.0]),
            (103.0, &[0.0, 25.0, 50.0, 75.0, 100.0, 125.0]),
            (0.9, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ] {
            let found = steps(most);
            assert!(
                found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9),
                "{most}: {found:?}"
            );
        }
        assert_eq!(steps(0.0), [0.0, 1.0]);
        assert_eq!(Scale::covering(0.5, 300.0), Scale::Log(0.1, 1000.0));
        assert_eq!(Scale::Log(0.1, 1000.0).ticks().len(), 5);
        assert_eq!(Scale::covering(0.0, 10.0), Scale::Linear(0.0, 10.0));
    }

    #[test]
    fn a_line_has_a_gap_where_nothing_was_measured() {
        let chart = Chart {
            description: "a < b".into(),
            x: Scale::Linear(0.0, 4.0),
            y: Scale::Linear(0.0, 10.0),
            x_ticks: vec![(2.0, "2 s".into())],
            y_ticks: vec![(10.0, "10".into())],
            lines: vec![ChartLine {
                class: "a",
                name: "p50",
                points: vec![(0.0, Some(0.0)), (1.0, Some(5.0)), (2.0, None), (4.0, Some(20.0))],
            }],
            marks: vec![Mark { at: 1.0, title: "3 lost".into(), is_loss: true }],
        };
        let html = chart.html();
        assert!(html.contains("d=\"M0.0 1000.0L250.0 500.0M1000.0 0.0\""), "{html}");
        assert!(html.contains("aria-label=\"a &lt; b\"") && html.contains("style=\"left:50.00%\">2 s<"), "{html}");
        assert!(html.contains("style=\"left:25.00%\" title=\"3 lost\">▼<"), "{html}");
        assert!(html.contains("class=\"lost\" x1=\"250.0\" x2=\"250.0\" y1=\"0\" y2=\"1000\""), "{html}");
        // Many do not hide the lines.
        let mark = chart.marks[0].clone();
        let html = Chart { marks: vec![mark; TALL + 1], ..chart }.html();
        assert!(html.contains("y1=\"0\" y2=\"67\"") && !html.contains("y1=\"0\" y2=\"1000\""), "{html}");
        assert!(!html.contains("title=\"3 lost\""), "{html}");
    }
}
