//! How tests look at errors: one line each, with line, column and message.

use expect_test::Expect;

/// Checks that this fails with these errors, in source order.
#[track_caller]
pub fn check_error<T>(result: syn::Result<T>, expected: Expect) {
    expected.assert_eq(&shown(result));
}

/// The errors, a line each.
#[track_caller]
pub fn shown<T>(result: syn::Result<T>) -> String {
    let Err(errors) = result else { panic!("expected an error") };
    let mut lines: Vec<_> = errors
        .into_iter()
        .map(|error| {
            let start = error.span().start();
            (start.line, start.column + 1, error.to_string())
        })
        .collect();
    lines.sort();
    let lines: Vec<_> =
        lines.into_iter().map(|(line, column, text)| format!("{line}:{column} {text}")).collect();
    lines.join("\n")
}
