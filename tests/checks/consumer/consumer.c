#include <weft/weft.h>

int main(void)
{
	return weft_allocator_set(NULL);
}
