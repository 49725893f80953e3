// A verb per thing a test asks, with C++'s own library: hello, args, env, upper. A module of WASI 0.1, for Debian has libc++ for
// that target alone, without file streams; rebuild.sh puts the adapter around it.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char **argv) {
	std::vector<std::string> args(argv, argv + argc);
	const std::string verb = argc > 1 ? args[1] : "hello";
	if (verb == "hello") {
		std::cout << "hello from C++\n";
	} else if (verb == "args") {
		std::for_each(args.begin(), args.end(), [](const std::string &a) { std::cout << a << '\n'; });
	} else if (verb == "env") {
		const char *value = std::getenv("A");
		std::cout << "A=" << (value ? value : "") << '\n';
	} else if (verb == "upper") {
		for (std::string line; std::getline(std::cin, line);) {
			std::transform(line.begin(), line.end(), line.begin(), [](unsigned char c) { return std::toupper(c); });
			std::cout << line << '\n';
		}
	} else {
		std::cerr << "cpp_tool: verb " << verb << " unknown\n";
		return 2;
	}
	return 0;
}
