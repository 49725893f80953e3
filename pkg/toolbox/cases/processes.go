package cases

func processes() []Case {
	return []Case{
		{Name: "env", Args: []string{"sh", "-c", "env | grep -v PWD="}, Env: []string{"ONE=1"}, Out: "ONE=1\n"},
		{Name: "env of another variable", Args: []string{"env", "TWO=2", "sh", "-c", "echo $ONE$TWO"}, Env: []string{"ONE=1"}, Out: "12\n"},
		{Name: "env -i", Args: []string{"env", "-i", "A=b", "env"}, Env: []string{"ONE=1"}, Out: "A=b\n"},
		{Name: "printenv", Args: []string{"printenv", "ONE", "NONE"}, Env: []string{"ONE=1"}, Out: "1\n", Code: 1},
		{Name: "date of a second", Args: []string{"date", "-u", "-d", "@0", "+%Y-%m-%d %H:%M:%S %s %a %j%%"}, Out: "1970-01-01 00:00:00 0 Thu 001%\n"},
		{Name: "date of a file", Args: []string{"date", "-u", "-r", "a.txt", "-I"}, Out: "2024-02-29\n"},
		{Name: "date that would be set", Args: []string{"date", "01020304"}, Err: "cannot be set", Code: 2},
		{Name: "sleep", Args: []string{"sleep", "0.01", "0s"}},
		{Name: "sleep of no time", Args: []string{"sleep", "soon"}, Err: "no time", Code: 2},
		{Name: "timeout", Args: []string{"timeout", "0.05", "sleep", "100"}, Code: 124},
		{Name: "timeout of what ends", Args: []string{"timeout", "10", "sh", "-c", "exit 5"}, Code: 5},
		{Name: "seq", Args: []string{"seq", "1", "2", "5"}, Out: "1\n3\n5\n"},
		{Name: "xargs", Args: []string{"xargs", "echo", "x"}, Stdin: "a b\nc\n", Out: "x a b c\n"},
		{Name: "xargs -n -I -0", Args: []string{"sh", "-c", "echo 1 2 3 | xargs -n 2 echo; echo a | xargs -I % echo [%]; find sub -name 'c*' -print0 | xargs -0 cat"}, Out: "1 2\n3\n[a]\ntwo\n"},
		{Name: "which", Args: []string{"which", "ls", "frobnicate"}, Out: "/bin/ls\n", Code: 1},
		{Name: "kill -l", Args: []string{"sh", "-c", "kill -l | grep ' TERM'"}, Out: "15 TERM\n"},
		{Name: "kill of nobody", Args: []string{"kill", "-9", "4194300"}, Err: "4194300", Code: 1},
		{Name: "kill of no number", Args: []string{"kill", "x"}, Err: "no process", Code: 2},
		{Name: "ps", Args: []string{"sh", "-c", "ps | head -n 1"}, Out: "    PID      TIME COMMAND\n"},
		{Name: "id -u", Args: []string{"sh", "-c", "test $(id -u) = $UID && id | grep -c uid=$UID"}, Out: "1\n"},
		{Name: "hostname", Args: []string{"sh", "-c", "test -n \"$(hostname)\" && uname -m"}, Out: "wasm32\n"},
		{Name: "pwd", Args: []string{"sh", "-c", "test $(pwd) = $PWD && echo same"}, Out: "same\n"},
		{Name: "nothing listens", Args: []string{"nc", "-w", "5", "127.0.0.1", "1"}, Err: "refused", Code: 1},
		{Name: "nc of no port", Args: []string{"nc", "127.0.0.1", "x"}, Err: "no port", Code: 2},
		{Name: "nc both ways", Args: []string{"sh", "-c", "nc -l 127.0.0.1 PORT > got & until echo sent | nc 127.0.0.1 PORT; do sleep 0.01; done 2>/dev/null; wait; cat got"}, Out: "sent\n"},
		{Name: "wget of another scheme", Args: []string{"wget", "https://localhost/"}, Err: "only http is known here", Code: 1},
		{Name: "wget of nobody", Args: []string{"wget", "-q", "http://127.0.0.1:1/"}, Err: "refused", Code: 1},
		{Name: "wget of an answer", Args: []string{"sh", "-c", `printf 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n' | nc -l 127.0.0.1 PORT > request & until wget -q -O - http://127.0.0.1:PORT/x; do sleep 0.01; done 2>/dev/null; wait; head -n 1 request`}, Out: "hi\nGET /x HTTP/1.1\r\n"},
		{Name: "wget of chunks", Args: []string{"sh", "-c", `printf 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n' | nc -l 127.0.0.1 PORT > /dev/null & until wget -q -O got http://127.0.0.1:PORT/; do sleep 0.01; done 2>/dev/null; wait; cat got`}, Out: "abcde"},
		{Name: "wget of an error", Args: []string{"sh", "-c", `printf 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n' | nc -l 127.0.0.1 PORT > /dev/null &
			while true; do
				e=$(wget -q http://127.0.0.1:PORT/ 2>&1) && exit
				case $e in *refused*) sleep 0.01;; *) echo "$e" >&2; exit 1;; esac
			done`}, Err: "404", Code: 1},
	}
}
