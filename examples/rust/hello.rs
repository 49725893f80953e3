//! Greets whoever is named, as a WASI 0.2 component in Rust.

use std::env;

fn main() {
    let greeting = env::var("GREETING").unwrap_or("Hello".into());
    let name = env::args().nth(1).unwrap_or("world".into());
    println!("{greeting} from Rust, {name}!");
}
