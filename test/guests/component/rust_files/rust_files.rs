//! Does with the directory it is given what Rust's own library can do with one, and says the first thing that did not go as it ought to.
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

fn main() {
    let dir = std::env::args().nth(1).expect("a directory");
    let dir = Path::new(&dir).join("rust_files");
    if let Err(err) = fs::create_dir(&dir).and_then(|()| contents(&dir)).and_then(|()| names(&dir)).and_then(|()| fs::remove_dir(&dir)) {
        println!("{err}");
        std::process::exit(1);
    }
    println!("files work");
}

fn contents(dir: &Path) -> std::io::Result<()> {
    let path = dir.join("a");
    let mut f = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    assert_eq!(File::create_new(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    f.write_all(b"hello world")?;
    f.seek(SeekFrom::Start(6))?;
    let mut text = String::new();
    f.read_to_string(&mut text)?;
    assert_eq!(text, "world");
    f.set_len(5)?;
    f.sync_all()?;
    f.sync_data()?;
    let then = SystemTime::UNIX_EPOCH + Duration::new(2_000_000, 7000);
    f.set_times(FileTimes::new().set_modified(then).set_accessed(then))?;
    let info = f.metadata()?;
    assert!(info.is_file() && info.len() == 5 && info.modified()? == then && info.accessed()? == then);
    drop(f);
    OpenOptions::new().append(true).open(&path)?.write_all(b"++")?;
    assert_eq!(fs::read_to_string(&path)?, "hello++");
    let big = vec![7; 3 << 20];
    fs::write(&path, &big)?;
    assert!(fs::read(&path)? == big);
    assert_eq!(fs::copy(&path, dir.join("copy"))?, 3 << 20);
    fs::remove_file(dir.join("copy"))
}

fn names(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir.join("d/e/f"))?;
    for i in 0..100 {
        File::create(dir.join(format!("d/{i}")))?;
    }
    let mut seen: Vec<_> = fs::read_dir(dir.join("d"))?.map(|e| e.map(|e| e.file_name())).collect::<Result<_, _>>()?;
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 101);
    assert!(fs::remove_dir(dir.join("d")).is_err());
    fs::rename(dir.join("a"), dir.join("d/b"))?;
    assert_eq!(fs::metadata(dir.join("a")).unwrap_err().kind(), ErrorKind::NotFound);
    fs::hard_link(dir.join("d/b"), dir.join("c"))?;
    assert_eq!(fs::metadata(dir.join("c"))?.len(), 3 << 20);
    fs::remove_file(dir.join("c"))?;
    fs::remove_dir_all(dir.join("d"))?;
    assert_eq!(fs::read_dir(dir)?.count(), 0);
    Ok(())
}
