#include "thread.h"

#include <pthread.h>

extern void callThread(uintptr_t handle);

static void *thread(void *handle) {
	callThread((uintptr_t)handle);
	return NULL;
}

int thread_run(uintptr_t handle, size_t stack) {
	pthread_attr_t attributes;
	pthread_t id;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	int error = pthread_create(&id, &attributes, thread, (void *)handle);
	pthread_attr_destroy(&attributes);
	if (error == 0)
		pthread_join(id, NULL);
	return error;
}
