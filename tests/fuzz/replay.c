/* Stands in for libFuzzer where there is none: hands each file of the kept corpus to the harness,
 * and each of its prefixes too, since most parsers go wrong at an end they did not expect. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prefixes cost the square of the size; longer inputs are only run whole. */
enum { PREFIX_BYTES_MAX = 512 };

/* A copy of exactly `size` bytes, so that a sanitizer sees the first byte read past the end. */
static int run_one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (copy == NULL) return -1;
	memcpy(copy, data, size);
	int rc = LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return rc;
}

static int run_prefixes(const uint8_t *data, size_t size)
{
	size_t from = size <= PREFIX_BYTES_MAX ? 0 : size;
	for (size_t n = from; n <= size; n++) {
		if (run_one(data, n) != 0) return -1;
	}
	return 0;
}

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) return -1;
	uint8_t *data = NULL;
	int rc = -1;
	if (fseek(file, 0, SEEK_END) != 0) goto out;
	long size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0) goto out;
	data = malloc((size_t)size + 1);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) goto out;
	rc = run_prefixes(data, (size_t)size);
out:
	free(data);
	fclose(file);
	return rc;
}

/* The number of files replayed, or -1 when one could not be. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	if (dir == NULL) return -1;
	int n = 0;
	for (const struct dirent *entry; n >= 0 && (entry = readdir(dir)) != NULL;) {
		char path[4096];
		if (entry->d_name[0] == '.') continue;
		int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		bool fits = length > 0 && (size_t)length < sizeof path;
		if (fits && replay_file(path) == 0) {
			n++;
		} else {
			fprintf(stderr, "%s: could not be replayed\n", entry->d_name);
			n = -1;
		}
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 1;
	}
	int n = replay_folder(argv[1]);
	printf("%d inputs replayed from %s\n", n > 0 ? n : 0, argv[1]);
	return n > 0 ? 0 : 1;
}
