/* What ringlet and keyring call of Apple's Security and CoreFoundation, on a list in memory.

   One keychain search list holds items; the status that the next call shall give can be set; a blocked call
   waits as Apple's do while a window is open.  Deleting takes one match, as a file keychain does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STRING = 1, DATA, NUMBER, BOOLEAN, ARRAY, DICTIONARY };
enum { OK = 0, DENIED = -128, DUPLICATE = -25299, NOT_FOUND = -25300, NO_KEYCHAIN = -25307, NO_WINDOW = -25308 };

typedef struct object {
    int type, refs;
    long length;
    void *bytes;
    const struct object **keys, **values;
} object;

#define NAME(name) static object name##_ = {STRING, 1, sizeof #name - 1, #name, 0, 0}; object *name = &name##_;
NAME(kSecClass) NAME(kSecClassGenericPassword) NAME(kSecAttrService) NAME(kSecAttrAccount) NAME(kSecAttrLabel)
NAME(kSecValueData) NAME(kSecMatchLimit) NAME(kSecMatchLimitOne) NAME(kSecMatchLimitAll)
NAME(kSecReturnData) NAME(kSecReturnAttributes)
static object true_ = {BOOLEAN, 1, 1, 0, 0, 0};
object *kCFBooleanTrue = &true_;
int kCFTypeDictionaryKeyCallBacks, kCFTypeDictionaryValueCallBacks;

static long live;

static object *make(int type, const void *bytes, long length) {
    object *it = calloc(1, sizeof *it);
    it->type = type, it->refs = 1, it->length = length;
    it->bytes = calloc(1, length + 1);
    if (bytes) memcpy(it->bytes, bytes, length);
    live++;
    return it;
}

void CFRelease(object *it) {
    if (!it || !it->bytes || --it->refs) return; /* the constants have no bytes of their own to give back */
    for (long n = 0; it->values && n < it->length; n++) CFRelease((object *)it->values[n]);
    free(it->bytes), free(it->keys), free(it->values), free(it), live--;
}

object *CFStringCreateWithCString(void *a, const char *text, uint32_t e) { return make(STRING, text, strlen(text)); }
object *CFDataCreate(void *a, const char *bytes, long length) { return make(DATA, bytes, length); }
object *CFNumberCreate(void *a, uint32_t t, const int32_t *n) { return make(NUMBER, n, *n); }
const void *CFDataGetBytePtr(object *it) { return it->bytes; }
int32_t CFDataGetLength(object *it) { return (int32_t)it->length; }
unsigned long CFGetTypeID(object *it) { return it->type; }
unsigned long CFStringGetTypeID(void) { return STRING; }
long CFArrayGetCount(object *it) { return it->length; }
const object *CFArrayGetValueAtIndex(object *it, long n) { return it->values[n]; }

_Bool CFStringGetCString(object *it, char *buffer, long size, uint32_t encoding) {
    if (it->length >= size) return 0;
    memcpy(buffer, it->bytes, it->length + 1);
    return 1;
}

object *CFDictionaryCreate(void *a, object **keys, object **values, int32_t n, void *kc, void *vc) {
    object *it = make(DICTIONARY, 0, n);
    it->keys = calloc(n + 1, sizeof(void *)), it->values = calloc(n + 1, sizeof(void *));
    for (int i = 0; i < n; i++) it->keys[i] = keys[i], it->values[i] = values[i], values[i]->refs++;
    return it;
}

const object *CFDictionaryGetValue(const object *it, const object *key) {
    for (long n = 0; n < it->length; n++)
        if (it->keys[n] == key) return it->values[n];
    return 0;
}

/* the keychain */

typedef struct { char service[64], account[2048], label[160]; int type; long length; char *data; } item;
static item items[512];
static int count, locked, absent, deaf, data_reads;
static volatile int blocked;
static int add_status, update_status, copy_status, delete_status;

static int is(const object *query, const object *key, const char *text) {
    const object *wanted = CFDictionaryGetValue(query, key);
    return !wanted || !strcmp(wanted->bytes, text);
}

static int next(const object *query, int from) {
    for (; from < count; from++)
        if (is(query, kSecAttrService, items[from].service) && is(query, kSecAttrAccount, items[from].account)) return from;
    return -1;
}

static void put(item *it, const object *query) {
    const object *data = CFDictionaryGetValue(query, kSecValueData);
    if (deaf && it->data) return;
    free(it->data);
    it->data = calloc(1, data->length + 1), it->length = data->length;
    memcpy(it->data, data->bytes, data->length);
}

static void name(char *target, size_t size, const object *query, const object *key) {
    const object *value = CFDictionaryGetValue(query, key);
    if (value) strncpy(target, value->bytes, size - 1);
}

static int once(int *status) {
    int now = *status;
    *status = OK;
    return now;
}

static int wait_for_person(int status) {
    while (blocked) usleep(1000);
    return status ? status : absent ? NOT_FOUND : locked ? NO_WINDOW : OK;
}

int32_t SecItemAdd(const object *query, void *result) {
    int status = wait_for_person(once(&add_status));
    if (absent) return NO_KEYCHAIN;
    if (status) return status;
    if (next(query, 0) >= 0) return DUPLICATE;
    item *it = memset(&items[count++], 0, sizeof(item));
    name(it->service, sizeof it->service, query, kSecAttrService);
    name(it->account, sizeof it->account, query, kSecAttrAccount);
    name(it->label, sizeof it->label, query, kSecAttrLabel);
    put(it, query);
    return OK;
}

int32_t SecItemUpdate(const object *query, const object *changes) {
    int status = wait_for_person(once(&update_status));
    if (status) return status;
    int at = next(query, 0);
    if (at < 0) return NOT_FOUND;
    for (; at >= 0; at = next(query, at + 1)) put(&items[at], changes);
    return OK;
}

int32_t SecItemDelete(const object *query) {
    int at = next(query, 0), status = once(&delete_status);
    if (status) return status;
    if (at < 0) return NOT_FOUND;
    memmove(&items[at], &items[at + 1], (--count - at) * sizeof(item));
    memset(&items[count], 0, sizeof(item));
    return OK;
}

static object *attributes(const item *it) {
    object *keys[] = {kSecAttrAccount, kSecAttrLabel, kSecAttrService}, *values[3];
    values[0] = make(it->type ? it->type : STRING, it->account, strlen(it->account));
    values[1] = make(STRING, it->label, strlen(it->label));
    values[2] = make(STRING, it->service, strlen(it->service));
    object *all = CFDictionaryCreate(0, keys, values, 3, 0, 0);
    CFRelease(values[0]), CFRelease(values[1]), CFRelease(values[2]);
    return all;
}

int32_t SecItemCopyMatching(const object *query, object **result) {
    int at = next(query, 0), data = CFDictionaryGetValue(query, kSecReturnData) != 0;
    while (data && blocked) usleep(1000);
    int status = once(&copy_status);
    if (status) return status;
    if (absent || at < 0) return NOT_FOUND;
    if (data && locked) return NO_WINDOW; /* attributes are not encrypted: they are read from a locked keychain too */
    if (data) {
        data_reads++;
        *result = make(DATA, items[at].data, items[at].length);
        return OK;
    }
    object *all = make(ARRAY, 0, 0);
    all->values = calloc(count, sizeof(void *));
    for (; at >= 0; at = next(query, at + 1)) all->values[all->length++] = attributes(&items[at]);
    *result = all;
    return OK;
}

int32_t SecKeychainGetStatus(void *keychain, uint32_t *state) {
    if (absent) return NO_KEYCHAIN;
    *state = locked ? 6 : 7; /* unlocked 1, readable 2, writable 4 */
    return OK;
}

/* what the tests steer and see */

void fake_reset(void) {
    while (count) free(items[--count].data);
    memset(items, 0, sizeof items);
    locked = absent = deaf = data_reads = blocked = 0;
    add_status = update_status = copy_status = delete_status = 0;
}
void fake_lock(int on) { locked = on; }
void fake_take_away(int on) { absent = on; }
void fake_ignore_changes(int on) { deaf = on; }
void fake_block(int on) { blocked = on; }
void fake_fail(const char *call, int status) {
    *(!strcmp(call, "SecItemAdd") ? &add_status : !strcmp(call, "SecItemUpdate") ? &update_status
      : !strcmp(call, "SecItemDelete") ? &delete_status : &copy_status) = status;
}
/* an item that another program made: no check for duplicates, any bytes, any type of account */
void fake_plant(const char *service, const char *account, const char *data, long length, int type) {
    item *it = &items[count++];
    strncpy(it->service, service, sizeof it->service - 1), strncpy(it->account, account, sizeof it->account - 1);
    it->type = type, it->length = length, it->data = calloc(1, length + 1);
    memcpy(it->data, data, length);
}
const char *fake_label(int at) { return items[at].label; }
int fake_count(void) { return count; }
int fake_data_reads(void) { return data_reads; }
long fake_live(void) { return live; }
