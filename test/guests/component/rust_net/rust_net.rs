//! TCP, UDP and names through Rust's own library, a verb each:
//!   serve ADDRESS N          echoes every byte of N connections, one after the other; prints "listening on PORT" first
//!   connect ADDRESS TEXT     sends the text, ends its half, prints what comes back
//!   udp-serve ADDRESS N      echoes N datagrams; prints "listening on PORT" first
//!   udp-send ADDRESS TEXT    sends one datagram and prints the answer
//!   lookup NAME              prints each address of a name
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["serve", address, n] => serve(address, n.parse().expect("a number")),
        ["connect", address, text] => connect(address, text),
        ["udp-serve", address, n] => udp_serve(address, n.parse().expect("a number")),
        ["udp-send", address, text] => udp_send(address, text),
        ["lookup", name] => lookup(name),
        _ => Err(io::Error::other(format!("rust_net: {args:?} unknown"))),
    };
    if let Err(err) = done {
        eprintln!("{err}");
        std::process::exit(1);
    }
}

fn serve(address: &str, n: usize) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?.port());
    for connection in listener.incoming().take(n) {
        let mut connection = connection?;
        let mut buf = [0; 16384];
        loop {
            let got = connection.read(&mut buf)?;
            if got == 0 {
                break;
            }
            connection.write_all(&buf[..got])?;
        }
    }
    Ok(())
}

fn connect(address: &str, text: &str) -> io::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true).or_else(|err| if err.kind() == io::ErrorKind::Unsupported { Ok(()) } else { Err(err) })?;
    connection.write_all(text.as_bytes())?;
    connection.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    println!("{answer}");
    Ok(())
}

fn udp_serve(address: &str, n: usize) -> io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    println!("listening on {}", socket.local_addr()?.port());
    let mut buf = [0; 65536];
    for _ in 0..n {
        let (got, from) = socket.recv_from(&mut buf)?;
        socket.send_to(&buf[..got], from)?;
    }
    Ok(())
}

fn udp_send(address: &str, text: &str) -> io::Result<()> {
    let any = if address.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.send(text.as_bytes())?;
    let mut buf = [0; 65536];
    let got = socket.recv(&mut buf)?;
    println!("{}", String::from_utf8_lossy(&buf[..got]));
    Ok(())
}

fn lookup(name: &str) -> io::Result<()> {
    for address in (name, 0).to_socket_addrs()? {
        println!("{}", address.ip());
    }
    Ok(())
}
