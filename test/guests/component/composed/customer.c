// Uses the accounts of keeper.rs: the half of the composed component that imports resources, and runs. With the argument
// "stale" it uses an account that it gave away, which traps.
#include <stdio.h>
#include <string.h>

#include "client.h"

typedef wasmgo_ledger_accounts_own_account_t account;
#define borrow(a) wasmgo_ledger_accounts_borrow_account(a)

static account open_account(const char *owner) {
	client_string_t s;
	client_string_set(&s, owner);
	return wasmgo_ledger_accounts_constructor_account(&s);
}

static void statement(account *all, size_t n) {
	wasmgo_ledger_accounts_borrow_account_t borrowed[8];
	for (size_t i = 0; i < n; i++)
		borrowed[i] = borrow(all[i]);
	wasmgo_ledger_accounts_list_borrow_account_t list = {borrowed, n};
	wasmgo_ledger_accounts_list_line_t lines;
	wasmgo_ledger_accounts_statement(&list, &lines);
	for (size_t i = 0; i < lines.len; i++)
		printf("%.*s has %llu\n", (int)lines.ptr[i].owner.len, (char *)lines.ptr[i].owner.ptr, (unsigned long long)lines.ptr[i].balance);
	wasmgo_ledger_accounts_list_line_free(&lines);
}

static void withdraw(account a, uint64_t amount) {
	uint64_t left;
	wasmgo_ledger_accounts_refusal_t why;
	if (wasmgo_ledger_accounts_method_account_withdraw(borrow(a), amount, &left, &why))
		printf("left: %llu\n", (unsigned long long)left);
	else
		printf("refused: there are %llu\n", (unsigned long long)why.val.short_);
}

bool exports_wasi_cli_run_run(void) {
	client_list_string_t args;
	wasi_cli_environment_get_arguments(&args);
	bool stale = args.len > 1;
	client_list_string_free(&args);

	account all[2] = {open_account("Ada"), open_account("Grete")};
	wasmgo_ledger_accounts_method_account_deposit(borrow(all[0]), 100);
	wasmgo_ledger_accounts_method_account_deposit(borrow(all[1]), 20);
	all[0] = wasmgo_ledger_accounts_pass(all[0]);
	withdraw(all[0], 30);
	withdraw(all[1], 30);
	statement(all, 2);
	wasmgo_ledger_accounts_static_account_merge(all[0], borrow(all[1]));
	statement(all + 1, 1);
	printf("%u open\n", wasmgo_ledger_accounts_open());
	fflush(stdout);
	if (stale)
		wasmgo_ledger_accounts_method_account_deposit(borrow(all[0]), 1);
	wasmgo_ledger_accounts_account_drop_own(all[1]);
	printf("%u open\n", wasmgo_ledger_accounts_open());
	return fflush(stdout) == 0;
}
