//! A plot of ratios as SVG: a group of bars for each program, on a logarithmic scale.
//!
//! Bars grow from the line of 1, the reference, to the left where something is faster and to the right
//! where it is slower.

use std::fmt::Write as _;

/// Ratios to a reference.
pub struct Bars<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The contestants, in the order of the bars.
    pub contestants: &'a [String],
    /// For each program its name and a ratio for each contestant that came through.
    pub rows: &'a [(String, Vec<Option<f64>>)],
}

const BAR: f64 = 10.0;
const GAP: f64 = 8.0;
const LEFT: f64 = 140.0;
const TOP: f64 = 50.0;
const WIDTH: f64 = 640.0;
const COLOURS: [&str; 4] = ["#4269d0", "#efb118", "#3ca951", "#ff725c"];

impl Bars<'_> {
    /// The plot as a file's text.
    pub fn to_svg(&self) -> String {
        let group = BAR * self.contestants.len() as f64 + GAP;
        let height = TOP + group * self.rows.len() as f64 + 30.0;
        let (low, high) = self.range();
        let x = |ratio: f64| LEFT + (ratio / low).ln() / (high / low).ln() * WIDTH;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"16\" font-size=\"14\">{}</text>\n",
            LEFT + WIDTH + 60.0,
            self.title
        );
        self.draw_legend(&mut svg);
        self.draw_scale(&mut svg, low, high, height, x);
        for (at, (name, ratios)) in self.rows.iter().enumerate() {
            let y = TOP + group * at as f64;
            line(
                &mut svg,
                format!(
                    "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>",
                    LEFT - 8.0,
                    y + group / 2.0
                ),
            );
            for (bar, ratio) in ratios.iter().enumerate() {
                let Some(ratio) = *ratio else { continue };
                let (from, to) = (x(ratio.min(1.0)), x(ratio.max(1.0)));
                let (top, colour) = (y + BAR * bar as f64, COLOURS[bar % COLOURS.len()]);
                line(
                    &mut svg,
                    format!(
                        "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                     <text x=\"{:.1}\" y=\"{}\" font-size=\"9\">{ratio:.2}</text>",
                        (to - from).max(1.0),
                        BAR - 1.0,
                        to + 3.0,
                        top + BAR - 2.0
                    ),
                );
            }
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_legend(&self, svg: &mut String) {
        for (at, name) in self.contestants.iter().enumerate() {
            let (x, colour) = (LEFT + 130.0 * at as f64, COLOURS[at % COLOURS.len()]);
            line(
                svg,
                format!(
                    "<rect x=\"{x}\" y=\"24\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"33\">{name}</text>",
                    x + 14.0
                ),
            );
        }
    }

    fn draw_scale(
        &self,
        svg: &mut String,
        low: f64,
        high: f64,
        height: f64,
        x: impl Fn(f64) -> f64,
    ) {
        for mark in [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0] {
            if low <= mark && mark <= high {
                let (at, bottom) = (x(mark), height - 24.0);
                let colour = if mark == 1.0 { "black" } else { "#ddd" };
                line(
                    svg,
                    format!(
                        "<line x1=\"{at:.1}\" y1=\"{}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"{colour}\"/>\
                     <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
                        TOP - 6.0,
                        bottom + 14.0
                    ),
                );
            }
        }
    }

    /// The smallest and the largest ratio, and 1.
    fn range(&self) -> (f64, f64) {
        let all = self.rows.iter().flat_map(|it| it.1.iter().flatten());
        let (low, high) =
            all.fold((1.0f64, 1.0f64), |(low, high), it| (low.min(*it), high.max(*it)));
        (low * 0.8, high * 1.25)
    }
}

fn line(svg: &mut String, text: String) {
    writeln!(svg, "{text}").expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_is_a_bar() {
        let contestants = ["a".to_string(), "b".to_string()];
        let rows = [
            ("p".to_string(), vec![Some(0.5), Some(4.0)]),
            ("q".to_string(), vec![Some(2.0), None]),
        ];
        let svg = Bars { title: "t", contestants: &contestants, rows: &rows }.to_svg();
        // The background, two of the legend, three results.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 3);
        assert!(svg.contains(">0.50<") && svg.contains(">4.00<") && svg.contains(">2.00<"));
    }
}
