//! A verb per thing a test asks: hello, args, env, upper, clock, random, exit, panic, grow.
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant, SystemTime};

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map_or("hello", String::as_str) {
        "hello" => println!("hello from Rust"),
        "args" => args.iter().for_each(|a| println!("{a}")),
        "env" => {
            let mut all: Vec<_> = std::env::vars().collect();
            all.sort();
            all.iter().for_each(|(name, value)| println!("{name}={value}"));
        }
        "upper" => upper()?,
        "clock" => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
            let before = Instant::now();
            std::thread::sleep(Duration::from_millis(20));
            println!("{} {}", now.as_secs(), before.elapsed().as_millis());
        }
        // The keys of a hash map are all the randomness there is in Rust's own library.
        "random" => {
            let map: HashMap<u8, u8> = HashMap::new();
            println!("{:016x}{:016x}", map.hasher().hash_one(1), RandomState::new().hash_one(2));
        }
        "exit" => std::process::exit(args[2].parse().expect("a number")),
        "panic" => panic!("at the disco"),
        // Until it is refused, or said to be enough: prints how many MiB it has.
        "grow" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            while all.len() < args[2].parse().expect("a number") {
                let mut mib = Vec::new();
                if mib.try_reserve_exact(1 << 20).is_err() {
                    break;
                }
                mib.resize(1 << 20, 1);
                all.push(mib);
            }
            println!("{}", all.len());
        }
        verb => {
            eprintln!("rust_tool: verb {verb} unknown");
            std::process::exit(2);
        }
    }
    Ok(())
}

fn upper() -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        let n = io::stdin().read(&mut buf)?;
        if n == 0 {
            return Ok(());
        }
        buf[..n].make_ascii_uppercase();
        io::stdout().write_all(&buf[..n])?;
        io::stdout().flush()?;
    }
}
