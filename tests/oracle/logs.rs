//! Logs side by side: only the lines that one has and the other has not.

use super::support::differences::Answer;

/// Between the lines of an answer.
const LINES: &str = " / ";

/// Of answers about logs, leaves what the other server's does not have.
pub fn leave_what_differs(ours: &mut [Answer], theirs: &mut [Answer]) {
    for our in ours
        .iter_mut()
        .filter(|our| our.step.contains(": in the log "))
    {
        let their = theirs.iter_mut().find(|their| their.step == our.step);
        if let Some(their) = their {
            let (one, other) = differing(&our.answer, &their.answer);
            our.answer = one;
            their.answer = other;
        }
    }
}

fn differing(ours: &str, theirs: &str) -> (String, String) {
    let mut left: Vec<&str> = theirs.split(LINES).collect();
    let mut only = Vec::new();
    for line in ours.split(LINES) {
        match left.iter().position(|other| *other == line) {
            Some(at) => drop(left.remove(at)),
            None => only.push(line),
        }
    }
    (only.join(LINES), left.join(LINES))
}

#[test]
fn only_lines_without_a_counterpart_are_left() {
    let (ours, theirs) = differing("a / b / b / c", "b / a / d");
    assert_eq!((ours.as_str(), theirs.as_str()), ("b / c", "d"));
}
