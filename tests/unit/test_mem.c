#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/base/mem.h"
#include "tests/unit/alloc_fail.h"

static void test_alloc_is_zeroed(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = mem_alloc(n, 3, &err);
		unsigned char *aligned = mem_alloc_aligned(n, 3, &err);

		assert_non_null(p);
		assert_non_null(aligned);
		assert_int_equal((uintptr_t)aligned % 64, 0);
		for (size_t i = 0; i < 3 * n; i++)
			assert_int_equal(p[i] | aligned[i], 0);
		free(p);
		free(aligned);
	}
	void *nothing = mem_alloc(5, 0, &err);
	assert_non_null(nothing);
	free(nothing);
}

static void assert_out_of_memory(struct error *err)
{
	assert_int_equal(err->kind, ERROR_UNAVAILABLE);
	*err = (struct error)ERROR_INIT;
}

static void test_sizes_cannot_overflow(void **state)
{
	struct error err = ERROR_INIT;
	char *array = NULL;
	size_t cap = 0;
	struct buf b = BUF_INIT;

	(void)state;
	assert_null(mem_alloc(SIZE_MAX / 2, 3, &err));
	assert_out_of_memory(&err);
	assert_null(mem_alloc(SIZE_MAX, 1, &err));
	assert_out_of_memory(&err);
	assert_null(mem_alloc_aligned(SIZE_MAX / 8 + 1, 8, &err));
	assert_out_of_memory(&err);
	assert_null(mem_alloc_aligned(SIZE_MAX - 10, 1, &err));
	assert_out_of_memory(&err);
	assert_int_equal(mem_grow((void **)&array, &cap, SIZE_MAX / 8 + 1, 8, &err), -1);
	assert_out_of_memory(&err);
	assert_null(array);
	assert_int_equal(cap, 0);
	assert_null(mem_strndup("", SIZE_MAX, &err));
	assert_out_of_memory(&err);
	assert_int_equal(buf_add_str(&b, "x", &err), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX, &err), -1);
	assert_out_of_memory(&err);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 1, &err), -1);
	assert_out_of_memory(&err);
	assert_memory_equal(b.data, "x", 1);
	buf_release(&b);
}

static void test_grow(void **state)
{
	struct error err = ERROR_INIT;
	int *array = NULL;
	size_t cap = 0, growths = 0;

	(void)state;
	for (size_t n = 0; n < 100000; n++) {
		size_t before = cap;

		assert_int_equal(MEM_GROW(&array, &cap, n + 1, &err), 0);
		assert_true(cap >= n + 1);
		if (cap != before) {
			assert_true(cap >= before + before / 2);
			growths++;
		}
		array[n] = (int)n;
	}
	assert_in_range(growths, 1, 30);
	for (size_t n = 0; n < 100000; n++)
		assert_int_equal(array[n], n);
	assert_int_equal(MEM_GROW(&array, &cap, 10, &err), 0);
	free(array);

	struct {
		char bytes[100];
	} *large = NULL;
	cap = 0;
	assert_int_equal(MEM_GROW(&large, &cap, 1, &err), 0);
	assert_int_equal(cap, 1);
	assert_int_equal(MEM_GROW(&large, &cap, 0, &err), 0);
	free(large);
}

static void test_strndup(void **state)
{
	struct error err = ERROR_INIT;
	char *copy = mem_strndup("abc\0def", 7, &err);

	(void)state;
	assert_memory_equal(copy, "abc\0def", 8);
	free(copy);
	copy = mem_strndup("abc", 2, &err);
	assert_string_equal(copy, "ab");
	free(copy);
	copy = mem_strndup(NULL, 0, &err);
	assert_string_equal(copy, "");
	free(copy);
}

static void test_buf(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(buf_add(&b, NULL, 0, &err), 0);
	assert_null(b.data);
	assert_int_equal(buf_add(&b, "a\0b", 3, &err), 0);
	assert_int_equal(buf_add_str(&b, "cd", &err), 0);
	assert_int_equal(buf_printf(&b, &err, "%d-%s", 17, "x"), 0);
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.data, "a\0bcd17-x", 9);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_int_equal(b.len, 9);
	assert_int_equal(b.data[9], '\0');
	b.len = 1;
	assert_int_equal(buf_add_str(&b, "z", &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_string_equal(b.data, "az");
	assert_int_equal(buf_add_clean(&b, "\x1b[2J", &err), 0);
	assert_int_equal(buf_add_clean(&b, "", &err), 0);
	assert_int_equal(buf_terminate(&b, &err), 0);
	assert_string_equal(b.data, "az?[2J");
	assert_int_equal(buf_reserve(&b, 1000, &err), 0);
	memset(b.data + b.len, 'r', 1000);
	buf_release(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

/* Every length around the room that is left. */
static void test_buf_printf_grows(void **state)
{
	struct error err = ERROR_INIT;
	char text[301];

	(void)state;
	memset(text, 'q', 300);
	for (size_t len = 0; len <= 300; len++) {
		struct buf b = BUF_INIT;

		text[len] = '\0';
		assert_int_equal(buf_printf(&b, &err, "%s", text), 0);
		assert_int_equal(buf_printf(&b, &err, "%s", text), 0);
		assert_int_equal(b.len, 2 * len);
		assert_int_equal(buf_terminate(&b, &err), 0);
		assert_int_equal(strspn(b.data, "q"), 2 * len);
		buf_release(&b);
		text[len] = 'q';
	}
}

static int use_everything(void *arg, struct error *err)
{
	struct buf b = BUF_INIT;
	int *array = NULL;
	size_t cap = 0;
	int status = -1;
	void *plain = mem_alloc(10, 10, err), *aligned = NULL;
	char *copy = NULL;

	(void)arg;
	if (!plain)
		goto out;
	aligned = mem_alloc_aligned(10, 10, err);
	if (!aligned)
		goto out;
	copy = mem_strndup("text", 4, err);
	if (!copy)
		goto out;
	for (size_t n = 1; n < 1000; n++) {
		size_t before = cap;
		int *was = array;

		if (MEM_GROW(&array, &cap, n, err) < 0) {
			assert_int_equal(cap, before);
			assert_ptr_equal(array, was);
			goto out;
		}
		array[n - 1] = (int)n;
	}
	for (int i = 0; i < 100; i++) {
		size_t before = b.len;

		if (buf_add_str(&b, "12345", err) < 0 || buf_printf(&b, err, "%05d", i) < 0 ||
		    buf_terminate(&b, err) < 0) {
			assert_true(b.len >= before && b.len <= before + 10);
			goto out;
		}
	}
	status = 0;
out:
	free(plain);
	free(aligned);
	free(copy);
	free(array);
	buf_release(&b);
	return status;
}

static void test_nth_allocation_fails(void **state)
{
	(void)state;
	assert_in_range(alloc_fail_each(use_everything, NULL), 10, 40);
}

static void test_alloc_fail_itself(void **state)
{
	struct error err = ERROR_INIT;
	void *p;

	(void)state;
	assert_false(alloc_fail_off());
	alloc_fail_after(1);
	p = mem_alloc(1, 1, &err);
	assert_non_null(p);
	free(p);
	assert_null(mem_alloc(1, 1, &err));
	p = mem_alloc_aligned(1, 1, &err);
	assert_non_null(p);
	free(p);
	assert_true(alloc_fail_off());
	alloc_fail_after(1);
	assert_false(alloc_fail_off());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_is_zeroed),
		cmocka_unit_test(test_sizes_cannot_overflow),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_strndup),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_printf_grows),
		cmocka_unit_test(test_nth_allocation_fails),
		cmocka_unit_test(test_alloc_fail_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
