//! Whether the result of an elidable function borrows from its arguments must show.

struct Item<'t>(&'t str);

#[jitdriver::elidable]
fn first(text: &str) -> Item {
    Item(&text[..1])
}

fn main() {
    println!("{}", first("ab").0);
}
