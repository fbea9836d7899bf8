//! A result that is read by people: text for a terminal, or a Markdown document.

use std::fmt::Display;

use crate::cli::Format;
use crate::markdown::escaped;
use crate::output::{Output, STRONG};

/// Prints a result line by line, so that a long one is never in memory.
pub(crate) struct Page {
    output: Output,
    is_markdown: bool,
    /// Whether something was printed.
    has_content: bool,
    /// Whether a blank line comes before whatever is printed next.
    is_blank_due: bool,
}

impl Page {
    /// An empty page, in the format that was asked for.
    pub(crate) fn new(output: Output) -> Self {
        let is_markdown = output.format == Format::Markdown;
        Self { output, is_markdown, has_content: false, is_blank_due: false }
    }

    /// Whether the page is Markdown, rather than text.
    pub(crate) fn is_markdown(&self) -> bool {
        self.is_markdown
    }

    /// Prints the heading of a Markdown document; text has none.
    pub(crate) fn heading(&mut self, heading: &str) {
        if self.is_markdown {
            self.write(format_args!("# {}", escaped(heading)));
            self.blank();
        }
    }

    /// Begins a section.
    pub(crate) fn title(&mut self, title: &str) {
        self.blank();
        if self.is_markdown {
            self.write(format_args!("## {title}"));
            self.blank();
        } else {
            self.write(format_args!("{STRONG}{title}{STRONG:#}"));
        }
    }

    /// Prints a line, `depth` steps in: in Markdown a paragraph, or an item of a list when it is indented.
    pub(crate) fn line(&mut self, depth: usize, content: &str) {
        if !self.is_markdown {
            return self.write(format_args!("{:width$}{content}", "", width = depth * 2));
        }
        let content = anstream::adapter::strip_str(content.trim()).to_string();
        let content = escaped(content.trim());
        let content = content.strip_prefix("- ").unwrap_or(&content);
        match depth {
            _ if content.is_empty() => {}
            0 => {
                self.blank();
                self.write(content);
                self.blank();
            }
            _ => self.write(format_args!("{:width$}- {content}", "", width = (depth - 1) * 2)),
        }
    }

    /// Prints a line as it is.
    pub(crate) fn raw(&mut self, content: impl Display) {
        self.write(content);
    }

    /// Leaves a line blank before what comes next.
    pub(crate) fn blank(&mut self) {
        self.is_blank_due = self.has_content;
    }

    fn write(&mut self, line: impl Display) {
        if self.is_blank_due {
            self.output.result("");
        }
        self.output.result(line);
        (self.has_content, self.is_blank_due) = (true, false);
    }
}

/// Joins names as a sentence has them: `a, b and c`.
pub(crate) fn join(names: &[String], conjunction: &str) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {conjunction} {last}", first.join(", ")),
    }
}
