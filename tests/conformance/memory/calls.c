/* SPDX-License-Identifier: MPL-2.0 */
/* Results and errnos of the memory calls and execve, one line each; test_memory_calls.py compares Linux with cruck. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <fcntl.h>
#include <unistd.h>
#include <errno.h>
#define P 4096
#define R(name,e) do{errno=0; long r_=(long)(e); printf("%s: %s %s\n",name,r_==-1?"-1":(r_==0?"0":"ok"),r_==-1?strerrorname_np(errno):"");}while(0)
int main(void)
{
	char*b=mmap(0,64*P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);
	munmap(b+32*P,4*P);
	int ro=open("/etc/passwd",O_RDONLY), wo=open("wo",O_WRONLY|O_CREAT,0600), rw=open("rw",O_RDWR|O_CREAT|O_TRUNC,0600), dir=open("/tmp",O_RDONLY), pth=open("/tmp",O_PATH);
	ftruncate(rw,4*P);
	int pp[2];
	pipe(pp);
	R("mmap len0",mmap(0,0,3,MAP_PRIVATE|MAP_ANON,-1,0));
	R("mmap notype",mmap(0,P,3,MAP_ANON,-1,0));
	R("mmap type3 anon",mmap(0,P,3,3|MAP_ANON,-1,0));
	R("mmap badfd",mmap(0,P,3,MAP_PRIVATE,99,0));
	R("mmap opath",mmap(0,P,1,MAP_PRIVATE,pth,0));
	R("mmap dir",mmap(0,P,1,MAP_PRIVATE,dir,0));
	R("mmap pipe",mmap(0,P,1,MAP_PRIVATE,pp[0],0));
	R("mmap ro shared w",mmap(0,P,3,MAP_SHARED,ro,0));
	R("mmap ro shared r",mmap(0,P,1,MAP_SHARED,ro,0));
	R("mmap ro private w",mmap(0,P,3,MAP_PRIVATE,ro,0));
	R("mmap wo",mmap(0,P,2,MAP_SHARED,wo,0));
	R("mmap off1",mmap(0,P,1,MAP_PRIVATE,ro,1));
	R("mmap offneg",mmap(0,P,1,MAP_PRIVATE,ro,-P));
	R("mmap offneg anon",mmap(0,P,1,MAP_PRIVATE|MAP_ANON,-1,-P));
	R("mmap huge len",mmap(0,-P,1,MAP_PRIVATE|MAP_ANON,-1,0));
	R("mmap 1<<46",mmap(0,1ul<<46,3,MAP_PRIVATE|MAP_ANON,-1,0));
	R("mmap 1<<46 none",mmap(0,1ul<<46,0,MAP_PRIVATE|MAP_ANON|MAP_NORESERVE,-1,0));
	R("mmap fixed mis",mmap((void*)0x12345,P,1,MAP_PRIVATE|MAP_ANON|MAP_FIXED,-1,0));
	R("mmap noreplace",mmap(b,P,1,MAP_PRIVATE|MAP_ANON|MAP_FIXED_NOREPLACE,-1,0));
	R("mmap growsdown file",mmap(0,P,1,MAP_PRIVATE|MAP_GROWSDOWN,ro,0));
	R("mmap growsdown shared",mmap(0,P,1,MAP_SHARED|MAP_ANON|MAP_GROWSDOWN,-1,0));
	R("mmap validate ok",mmap(0,P,1,MAP_SHARED_VALIDATE,rw,0));
	R("mmap validate bad",mmap(0,P,1,MAP_SHARED_VALIDATE|0x10000000,rw,0));
	R("mmap validate sync",mmap(0,P,1,MAP_SHARED_VALIDATE|MAP_SYNC,rw,0));
	R("mmap hugetlb file",mmap(0,P,1,MAP_PRIVATE|MAP_HUGETLB,rw,0));
	R("munmap mis",munmap(b+1,P));
	R("munmap 0",munmap(b,0));
	R("munmap huge",munmap(b,1ul<<62));
	R("munmap hole",munmap(b+32*P,P));
	R("mprotect hole",mprotect(b+30*P,8*P,1));
	R("mprotect mis",mprotect(b+1,P,1));
	R("mprotect bad",mprotect(b,P,0x40));
	R("mprotect sem",mprotect(b,P,PROT_READ|PROT_WRITE|8));
	R("mprotect growsdown",mprotect(b,P,1|0x1000000));
	R("mprotect both",mprotect(b,P,1|0x3000000));
	R("mprotect 0",mprotect(b,0,1));
	char*s=mmap(0,P,1,MAP_SHARED,ro,0);
	R("mprotect ro w",mprotect(s,P,3));
	R("mremap flags",mremap(b,P,P,8));
	R("mremap fixed nomove",mremap(b,P,P,MREMAP_FIXED,b+P));
	R("mremap 0",mremap(b,P,0,0));
	R("mremap mis",mremap(b+1,P,P,0));
	R("mremap hole",mremap(b+32*P,P,2*P,MREMAP_MAYMOVE));
	R("mremap cross",mremap(b+31*P,2*P,3*P,MREMAP_MAYMOVE));
	R("mremap blocked",mremap(b+8*P,P,2*P,0));
	R("mremap overlap",mremap(b,4*P,4*P,MREMAP_MAYMOVE|MREMAP_FIXED,b+P));
	R("mremap old0 private",mremap(b,0,P,MREMAP_MAYMOVE));
	R("mremap shrink",mremap(b+60*P,4*P,2*P,0));
	R("mremap dontunmap size",mremap(b,P,2*P,MREMAP_MAYMOVE|MREMAP_DONTUNMAP));
	R("mremap dontunmap",mremap(b,P,P,MREMAP_MAYMOVE|MREMAP_DONTUNMAP));
	R("mremap old0 shared",mremap(s,0,P,MREMAP_MAYMOVE));
	R("madvise mis",madvise(b+1,P,4));
	R("madvise bad",madvise(b,P,77));
	R("madvise hole",madvise(b+30*P,8*P,4));
	R("madvise 0",madvise(b,0,4));
	R("madvise free shared",madvise(s,P,8));
	R("madvise remove priv",madvise(b,P,9));
	R("madvise remove ro",madvise(s,P,9));
	R("madvise wipe shared",madvise(s,P,18));
	R("madvise willneed",madvise(b,P,3));
	R("madvise popr",madvise(b,8*P,22));
	R("madvise popw",madvise(b,8*P,23));
	R("madvise popw ro",madvise(s,P,23));
	R("madvise pop hole",madvise(b+30*P,8*P,22));
	R("madvise cold",madvise(b,P,20));
	R("madvise pageout",madvise(b,P,21));
	R("madvise wrap",madvise(b,-P,4));
	R("madvise wrap2",madvise(b,-1ul,4));
	R("msync flags",msync(b,P,8));
	R("msync both",msync(b,P,5));
	R("msync mis",msync(b+1,P,4));
	R("msync hole",msync(b+30*P,8*P,4));
	R("msync ok",msync(b,P,4));
	R("msync 0",msync(b,0,4));
	unsigned char v[64];
	R("mincore mis",mincore(b+1,P,v));
	R("mincore hole",mincore(b+30*P,8*P,v));
	R("mincore efault",mincore(b,P,(void*)16));
	R("mincore huge",mincore(b,1ul<<62,v));
	memset(b+4*P,1,P);
	R("mincore ok",mincore(b+4*P,P,v));
	printf("%d\n",v[0]);
	R("mlock",mlock(b,P));
	R("mlock hole",mlock(b+30*P,8*P));
	R("mlock2 bad",syscall(SYS_mlock2,b,P,2));
	R("munlock",munlock(b,P));
	R("munlock hole",munlock(b+32*P,P));
	R("mlockall 0",mlockall(0));
	R("mlockall 4",mlockall(4));
	R("mlockall 8",mlockall(8));
	R("mlockall",mlockall(MCL_CURRENT|MCL_FUTURE));
	R("munlockall",munlockall());
	R("madvise dontneed locked", (mlock(b,P), madvise(b,P,4)));
	R("pkey_alloc flags",syscall(SYS_pkey_alloc,1,0));
	R("pkey_free",syscall(SYS_pkey_free,9));
	R("pkey_mprotect",syscall(SYS_pkey_mprotect,b,P,3,-1));
	void*c=sbrk(0);
	R("brk grow",brk((char*)c+100000));
	R("brk low",brk((void*)4096));
	printf("brk same %d\n",sbrk(0)==(char*)c+100000);
	struct rlimit rl={64<<20,64<<20};
	setrlimit(RLIMIT_AS,&rl);
	R("as limit",mmap(0,128<<20,0,MAP_PRIVATE|MAP_ANON,-1,0));
	char*av[]={"x",0};
	R("execve dir",execve("/tmp",av,0));
	R("execve none",execve("/nonexistent",av,0));
	R("execve passwd",execve("/etc/passwd",av,0));
	R("execve efault",execve((void*)16,av,0));
	R("execve argv efault",execve("/bin/true",(void*)16,0));
	R("execve empty",execve("",av,0));
	R("execve notdir",execve("/etc/passwd/x",av,0));
	chmod("rw",0755);
	write(rw,"hello\n",6);
	R("execve txtbsy",execve("./rw",av,0));
	close(rw);
	R("execve text",execve("./rw",av,0));
	R("execveat flags",syscall(SYS_execveat,-100,"/bin/true",av,0,1));
	char big[140000];
	memset(big,'x',139999);
	big[139999]=0;
	char*bv[]={big,0};
	R("execve big",execve("/bin/true",bv,0));
	return 0;
}
