// Times llama.cpp on a model, through its own library; built and run by bench_llama_cpp.py.
//
//   bench_llama_cpp LIBRARIES MODEL THREADS prompt|decode TOKENS
//
// Prints the seconds that it takes to process TOKENS tokens together (`prompt`) or one by one (`decode`), after one
// token that brings the weights into memory. Settings are llama.cpp's own: the CPU library of LIBRARIES that suits the
// machine best, a cache of float16, flash attention where it is of use, weights repacked where there is a way to.

#include "ggml-backend.h"
#include "llama.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char * message) {
    fprintf(stderr, "bench_llama_cpp: %s\n", message);
    exit(1);
}

static void print_errors(enum ggml_log_level level, const char * text, void * data) {
    (void) data;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

// Processes ids that repeat no pattern, `step` at a time, and asks for the logits of the last of each step.
static void process(struct llama_context * context, int vocabulary, int tokens, int step) {
    llama_token * ids = malloc(step * sizeof *ids);
    for (int done = 0; done < tokens; done += step) {
        for (int i = 0; i < step; i++) ids[i] = ((uint32_t) (done + i) * 0x9e3779b9u >> 3) % (uint32_t) vocabulary;
        if (llama_decode(context, llama_batch_get_one(ids, step)) != 0) fail("decoding failed");
        llama_synchronize(context);
    }
    free(ids);
}

int main(int count, char ** arguments) {
    if (count != 6) fail("see the first lines of bench_llama_cpp.c for the arguments");
    int threads = atoi(arguments[3]), tokens = atoi(arguments[5]);
    llama_log_set(print_errors, NULL);
    ggml_backend_load_all_from_path(arguments[1]);
    llama_backend_init();

    struct llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    struct llama_model * model = llama_model_load_from_file(arguments[2], model_params);
    if (model == NULL) fail("the model does not load");
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = tokens + 1;
    params.n_threads = params.n_threads_batch = threads;
    struct llama_context * context = llama_init_from_model(model, params);
    if (context == NULL) fail("no context");
    int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));

    process(context, vocabulary, 1, 1);
    llama_memory_clear(llama_get_memory(context), true);
    int step = strcmp(arguments[4], "prompt") == 0 ? tokens : 1;
    double start = seconds();
    process(context, vocabulary, tokens, step);
    printf("%.6f\n", seconds() - start);
    return 0;
}
