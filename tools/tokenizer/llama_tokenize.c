// Token ids by llama.cpp, to compare with. Built and run by make_reference.py.
//
//   llama_tokenize MODEL.gguf PRE ADD_SPECIAL PARSE_SPECIAL < texts
//
// PRE replaces tokenizer.ggml.pre ("-" keeps the file's). Texts on standard input are separated by NUL bytes; each
// gives a line of ids. MODEL may hold a vocabulary only.
#include "ggml.h"
#include "llama.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 22, MAX_IDS = 1 << 20 };

static char text[MAX_BYTES];
static llama_token ids[MAX_IDS];

static void log_errors(enum ggml_log_level level, const char *message, void *unused) {
    (void)unused;
    if (level >= GGML_LOG_LEVEL_ERROR) fputs(message, stderr);
}

int main(int count, char **arguments) {
    if (count != 5) return fputs("usage: llama_tokenize MODEL PRE ADD_SPECIAL PARSE_SPECIAL\n", stderr), 2;
    const bool add_special = atoi(arguments[3]), parse_special = atoi(arguments[4]);

    struct llama_model_kv_override overrides[2] = {{0}, {0}};
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_STR;
    strcpy(overrides[0].key, "tokenizer.ggml.pre");
    snprintf(overrides[0].val_str, sizeof overrides[0].val_str, "%s", arguments[2]);

    llama_log_set(log_errors, NULL);
    llama_backend_init();
    struct llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    if (strcmp(arguments[2], "-") != 0) params.kv_overrides = overrides;
    struct llama_model *model = llama_model_load_from_file(arguments[1], params);
    if (!model) return fputs("cannot load the vocabulary\n", stderr), 1;

    const size_t bytes = fread(text, 1, sizeof text, stdin);
    for (size_t start = 0; start < bytes;) {
        const char *end = memchr(text + start, 0, bytes - start);
        const size_t length = end ? (size_t)(end - (text + start)) : bytes - start;
        const int found = llama_tokenize(llama_model_get_vocab(model), text + start, (int)length, ids, MAX_IDS,
                                         add_special, parse_special);
        if (found < 0) return fputs("too many tokens\n", stderr), 1;
        for (int i = 0; i < found; i++) printf(i ? " %d" : "%d", ids[i]);
        putchar('\n');
        start += length + 1;
    }
    return 0;
}
